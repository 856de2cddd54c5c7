import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isFresh } from './inputs.ts'

/**
 * Builds the dashboard if its sources changed, or if there is none. In a process of its own, so that the bundler's memory
 * is freed.
 * @returns what there is to say of it
 */
export const prepareUi = async (): Promise<'fresh' | 'built' | { failed: string }> => {
  if (await isFresh()) return 'fresh'
  const script = fileURLToPath(new URL('./build.ts', import.meta.url))
  try {
    await promisify(execFile)(process.execPath, [script])
    return 'built'
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    return { failed: stderr.trim() || String(error) }
  }
}

/** Like {@link prepareUi}, where the dashboard is required. @throws when it can't be built */
export const demandUi = async (): Promise<void> => {
  const prepared = await prepareUi()
  if (typeof prepared === 'object') throw new Error(`The dashboard could not be built:\n${prepared.failed}`)
}
