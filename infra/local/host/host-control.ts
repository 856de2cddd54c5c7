import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { StintError } from '../../../lib/core/errors.ts'
import type { HostControl, HostProcess } from '../../../lib/system/host-control.ts'
import { logPath, readTail } from '../shared/log-file.ts'
import type { FromHost, PartState, ToHost } from './host-protocol.ts'

/** How long the supervisor may take to answer. It is never busy for long. */
const PATIENCE_MS = 5_000

export interface HostControlOptions {
  dataDir: string
  workers: Pick<Workers, 'list' | 'kill'>
  say: (message: FromHost) => void
}

/** The processes of the stack as the host sees them: its workers, and the parts that the supervisor keeps running. */
export const createHostControl = ({
  dataDir,
  workers,
  say,
}: HostControlOptions): HostControl & { hear(message: ToHost): void } => {
  const asked = new Map<string, (parts: PartState[]) => void>()

  const listParts = async (): Promise<PartState[]> => {
    const id = randomUUID()
    const { promise, resolve, reject } = Promise.withResolvers<PartState[]>()
    asked.set(id, resolve)
    const timer = setTimeout(
      () => reject(new StintError('UNAVAILABLE', 'The supervisor does not answer.')),
      PATIENCE_MS,
    )
    say({ type: 'list-parts', id })
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      asked.delete(id)
    }
  }

  return {
    dataDir,
    processes: async () => {
      const parts = await listParts()
      return [...parts.map(({ startedAtMs, ...it }) => ({ ...it, startedAt: toDate(startedAtMs) })), ...workers.list()]
    },
    act: async (name, action) => {
      if (!workers.kill(name)) say({ type: 'act', name, action })
    },
    logs: (name, lines) =>
      readTail(name === 'postgres' ? join(dataDir, 'postgres', 'postgres.log') : logPath(dataDir, name), lines),
    hear: (message) => {
      if (message.type === 'parts') asked.get(message.id)?.(message.parts)
    },
  }
}

const toDate = (ms: number | null): Date | null => (ms === null ? null : new Date(ms))

/** A process that the host started. */
interface HostChild {
  name: string
  pid: number
  kill(): void
}

/** The host's own processes by name, including those that died: their successors will have the same names. */
export interface Workers {
  started(child: HostChild): void
  /** Unless it died, it was ended because nobody needed it, and is no longer listed. */
  ended(name: string, died: boolean): void
  list(): HostProcess[]
  /** @returns whether there is such a process. Jobs of a worker go on in another, from their last checkpoint. */
  kill(name: string): boolean
}

export const createWorkers = (): Workers => {
  const known = new Map<string, { child: HostChild; startedAt: Date; starts: number; isUp: boolean }>()
  return {
    started: (child) => {
      const starts = (known.get(child.name)?.starts ?? 0) + 1
      known.set(child.name, { child, startedAt: new Date(), starts, isUp: true })
    },
    ended: (name, died) => {
      const it = known.get(name)
      if (!died) known.delete(name)
      else if (it) it.isUp = false
    },
    list: () =>
      [...known].map(([name, { child, startedAt, starts, isUp }]) => ({
        name,
        state: isUp ? 'up' : 'down',
        pid: isUp ? child.pid : null,
        port: null,
        startedAt: isUp ? startedAt : null,
        restarts: starts - 1,
        actions: isUp ? ['restart'] : [],
      })),
    kill: (name) => {
      const it = known.get(name)
      if (it?.isUp) it.child.kill()
      return it !== undefined
    },
  }
}
