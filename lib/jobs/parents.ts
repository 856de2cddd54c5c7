import * as dependencies from '../../db/queries/dependencies.ts'
import type { App } from '../app.ts'
import { memoizeByOwner } from '../core/by-owner.ts'
import { MAX_HELD_BYTES } from './claim-wish.ts'
import { type JobLog, MAX_PARENTS_BYTES, type Parent } from './define.ts'
import type { Stint } from './stint.ts'

/** How many jobs of a process read their parents' results at once. Each may find as many bytes as a job is handed. */
const READERS = 2

/** What a job runs with: it is given back when the job has ended. */
export interface Handed {
  parents: Parent[]
  giveBack(): void
}

/**
 * Reads the results of a job's parents, once those that other jobs of its process were handed have left room for them. Until
 * then the job has not begun, and its time does not run.
 * @throws the reason of its signal, when it is told to stop before it is its turn
 */
export const handParents = async (app: App, stint: Stint, log: JobLog): Promise<Handed> => {
  const { job, abort } = stint
  const held = heldIn(app)
  await held.enter(abort.signal)
  let bytes = 0
  try {
    const rows = await dependencies.listResults(app.sql, job.id, MAX_PARENTS_BYTES)
    const leftOut = rows.filter((row) => row.bytes === null).length
    if (leftOut > 0) log.warn(`the results of ${leftOut} of ${rows.length} parents are not handed over: ${TOO_MANY}`)
    for (const row of rows) bytes += row.bytes ?? 0
    // So that no more jobs are claimed beside it than there is memory for.
    job.bytes += bytes
    return {
      parents: rows.map(({ bytes: _, ...row }) => ({ ...row, state: row.state as Parent['state'] })),
      giveBack: () => held.leave(bytes),
    }
  } finally {
    held.read(bytes)
  }
}

const TOO_MANY = `together they have more than ${MAX_PARENTS_BYTES} bytes of JSON`

/** What the running jobs of a process were handed together, in bytes of JSON. */
class Held {
  #bytes = 0
  #readers = 0
  readonly #waiting = new Set<() => void>()

  /** Waits until there is room, in turn. @throws the reason of the signal */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = (): void => {
      if (this.#waiting.delete(resolve)) reject(signal.reason)
    }
    this.#waiting.add(resolve)
    signal.addEventListener('abort', leave)
    this.#letIn()
    await promise.finally(() => signal.removeEventListener('abort', leave))
  }

  read(bytes: number): void {
    this.#readers--
    this.#bytes += bytes
    this.#letIn()
  }

  leave(bytes: number): void {
    this.#bytes -= bytes
    this.#letIn()
  }

  #letIn(): void {
    for (const enter of this.#waiting) {
      if (this.#readers >= READERS || this.#bytes >= MAX_HELD_BYTES) return
      this.#waiting.delete(enter)
      this.#readers++
      enter()
    }
  }
}

const heldIn = memoizeByOwner(() => new Held())
