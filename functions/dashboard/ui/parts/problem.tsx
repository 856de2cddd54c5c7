import { ProblemError, UnreachableError } from '../../../../lib/client/problem-error.ts'

/** What went wrong, in words that help, and what support needs to find it. */
export const Problem = ({ problem }: { problem: Error | undefined }) => {
  if (!problem) return null
  return (
    <p class="problem" role="alert">
      {problem instanceof UnreachableError ? 'Stint can’t be reached. It is tried again.' : problem.message}
      {problem instanceof ProblemError && problem.status >= 500 && problem.requestId && (
        <small>Request {problem.requestId}</small>
      )}
    </p>
  )
}
