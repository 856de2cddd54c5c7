import { instant, relative } from './format.ts'
import { now } from './now.ts'

/** How long ago, with the instant itself to be seen by who points at it. */
export const Time = ({ at }: { at: string }) => (
  <time dateTime={at} title={instant(at)}>
    {relative(at, now.value)}
  </time>
)
