import { Problem } from './problem.tsx'
import { Skeleton } from './skeleton.tsx'

interface PendingProps {
  data: unknown
  problem: Error | undefined
  /** As high as the answer will be, about. */
  lines: number
}

/** What a query shows beside its answer: why its latest request failed, or that the first is under way. */
export const Pending = ({ data, problem, lines }: PendingProps) => (
  <>
    <Problem problem={problem} />
    {data === undefined && !problem && <Skeleton lines={lines} />}
  </>
)
