import { startClientProcess } from './client-process.ts'
import type { LoadOptions, LoadResult } from './load-process.ts'

/** Runs the load generator to its end. @throws when it breaks, or when any request failed */
export const generateLoad = async (options: LoadOptions): Promise<LoadResult> => {
  const result = await startClientProcess<LoadOptions, LoadResult>('load-process.ts').ask(options)
  if (result.failed > 0) throw new Error(`${result.failed} requests failed, the first with ${result.firstFailure}`)
  return result
}
