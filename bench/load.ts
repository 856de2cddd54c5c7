import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadOptions, LoadResult } from './load-process.ts'

/** Runs the load generator to its end. @throws when it breaks, or when any request failed */
export const generateLoad = async (options: LoadOptions): Promise<LoadResult> => {
  const child = fork(fileURLToPath(new URL('./load-process.ts', import.meta.url)), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  child.send(options)
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the load generator ended with ${code}`))),
  ])
  const result = message as LoadResult
  if (result.failed > 0) throw new Error(`${result.failed} requests failed, the first with ${result.firstFailure}`)
  return result
}
