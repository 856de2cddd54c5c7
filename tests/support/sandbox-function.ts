import type { InvocationContext } from '../../lib/invocation-context.ts'

// A function that does what its event says, for tests of the processes that functions run in.

export const handler = async (event: { do: string }, context: InvocationContext): Promise<unknown> => {
  const { app } = context
  switch (event.do) {
    case 'answer':
      return { functionName: context.functionName, pid: process.pid, remainingMs: context.getRemainingTimeInMillis() }
    case 'throw':
      throw new Error('as it was told')
    case 'exit':
      return process.exit(70)
    case 'commit':
      for (let n = 0; n < 100; n++) app?.committed()
      return 'committed'
    case 'await-stop':
      if (app?.stopping.aborted) return 'stopped'
      return new Promise((resolve) => app?.stopping.addEventListener('abort', () => resolve('stopped')))
    default:
      return new Promise(() => {})
  }
}
