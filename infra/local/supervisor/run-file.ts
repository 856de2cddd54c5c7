import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const processes = z.array(
  z.object({
    /** supervisor, postgres, sqs-s3, kafka, host, worker-default-1 … */
    name: z.string(),
    pid: z.int(),
    port: z.int().nullable(),
    /** How clients reach it, where that is more than the port. */
    address: z.string().optional(),
  }),
)

/** A process of the running stack, as `run.json` in the data folder names it. */
export type RunningProcess = z.infer<typeof processes>[number]

const pathOf = (dataDir: string): string => join(dataDir, 'run.json')

/**
 * The processes that run on a data folder, or that ran there when the stack was killed. None if it was stopped, or if a power cut
 * tore the list, after which none of them runs.
 */
export const readRunFile = (dataDir: string): RunningProcess[] => {
  try {
    return processes.parse(JSON.parse(readFileSync(pathOf(dataDir), 'utf8')))
  } catch (error) {
    const isGoneOrTorn = (error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError
    if (isGoneOrTorn) return []
    throw error
  }
}

export interface RunFile {
  set(entry: RunningProcess): void
  remove(name: string): void
  /** Removes the file: nothing runs any more. */
  clear(): void
}

/**
 * Keeps `run.json`. Readers see the list before a change or after it, never half of it.
 * @param onFailed called when a change could not be written, for example on a full disk; the next change writes it too
 */
export const createRunFile = (dataDir: string, onFailed: (error: Error) => void): RunFile => {
  const entries = new Map<string, RunningProcess>()
  const path = pathOf(dataDir)
  const save = (): void => {
    try {
      writeFileSync(`${path}.new`, `${JSON.stringify([...entries.values()], null, 2)}\n`)
      renameSync(`${path}.new`, path)
    } catch (error) {
      onFailed(error as Error)
    }
  }
  return {
    set: (entry) => {
      entries.set(entry.name, entry)
      save()
    },
    remove: (name) => {
      if (entries.delete(name)) save()
    },
    clear: () => {
      entries.clear()
      rmSync(path, { force: true })
    },
  }
}
