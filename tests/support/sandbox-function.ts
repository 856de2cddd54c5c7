import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { InvocationContext } from '../../lib/invocation-context.ts'

// A function that does what its event says, for tests of the processes that functions run in.

export const handler = async (event: { do: string; folder?: string }, context: InvocationContext): Promise<unknown> => {
  const { app } = context
  switch (event.do) {
    case 'answer':
      return { functionName: context.functionName, pid: process.pid, remainingMs: context.getRemainingTimeInMillis() }
    case 'answer-together': {
      const { folder = '' } = event
      writeFileSync(join(folder, String(process.pid)), '')
      while (!existsSync(join(folder, 'all'))) await sleep(10)
      return { pid: process.pid }
    }
    case 'throw':
      throw new Error('as it was told')
    case 'exit':
      return process.exit(70)
    case 'say-nothing':
      process.send?.(null)
      return 'said'
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
