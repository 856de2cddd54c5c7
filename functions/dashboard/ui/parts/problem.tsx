import { ProblemError, UnreachableError } from '../../../../lib/client/problem-error.ts'

/** An error in words for somebody who only sees the page. */
export const messageOf = (problem: Error): string =>
  problem instanceof UnreachableError ? 'Stint can’t be reached.' : problem.message

/** What went wrong, and the request id, by which support can find it. */
export const Problem = ({ problem }: { problem: Error | undefined }) => {
  if (!problem) return null
  return (
    <p class="problem" role="alert">
      {messageOf(problem)}
      {problem instanceof ProblemError && problem.status >= 500 && problem.requestId && (
        <small>Request {problem.requestId}</small>
      )}
    </p>
  )
}
