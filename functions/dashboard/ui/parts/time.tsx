import { instant, relative } from './format.ts'
import { now } from './now.ts'

/** How long ago it was; the exact time shows under the pointer. */
export const Time = ({ at }: { at: string }) => (
  <time dateTime={at} title={instant(at)}>
    {relative(at, now.value)}
  </time>
)
