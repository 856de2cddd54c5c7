import { setTimeout as sleep } from 'node:timers/promises'
import * as jobs from '../../db/queries/jobs.ts'
import type { App } from '../app.ts'
import { memoizeByOwner } from '../core/by-owner.ts'

/** Between two looks, when nobody says that something was committed. */
const POLL_MS = 250
/** Between two looks at least, however much is committed. */
const MIN_POLL_MS = 20

/** About how many bytes of jobs one look reads. */
const MAX_READ_BYTES = 16 * 1024 * 1024

/**
 * Waits until a job has ended, for at most `seconds`. However many wait, one query looks for all of them.
 * @returns the job; null when it has not ended by then, or the process is asked to stop
 */
export const awaitEnd = (app: App, jobId: string, seconds: number): Promise<jobs.JobWithData | null> =>
  waitersOf(app).wait(jobId, seconds * 1_000)

/** Something was committed: a job that somebody waits for may have ended. */
export const nudgeWaiters = (app: App): void => waitersOf(app).nudge()

class Waiters {
  readonly #app: App
  readonly #waiting = new Map<string, Set<(job: jobs.JobWithData | null) => void>>()
  #looking = false
  #nudged = Promise.withResolvers<void>()

  constructor(app: App) {
    this.#app = app
  }

  async wait(jobId: string, ms: number): Promise<jobs.JobWithData | null> {
    const { promise, resolve } = Promise.withResolvers<jobs.JobWithData | null>()
    const giveUp = (): void => resolve(null)
    const timer = setTimeout(giveUp, ms)
    const { stopping } = this.#app
    stopping.addEventListener('abort', giveUp)
    if (stopping.aborted) giveUp()
    const others = this.#waiting.get(jobId) ?? new Set()
    this.#waiting.set(jobId, others.add(resolve))
    if (!this.#looking) void this.#look()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      stopping.removeEventListener('abort', giveUp)
      others.delete(resolve)
      if (others.size === 0 && this.#waiting.get(jobId) === others) this.#waiting.delete(jobId)
    }
  }

  nudge(): void {
    this.#nudged.resolve()
  }

  /** Looks for as long as somebody waits. A look that fails is made again: each waiter has a time limit anyway. */
  async #look(): Promise<void> {
    this.#looking = true
    let failures = 0
    while (this.#waiting.size > 0) {
      this.#nudged = Promise.withResolvers()
      try {
        const ended = await jobs.listEnded(this.#app.sql, [...this.#waiting.keys()], MAX_READ_BYTES)
        // There may be more than one look reads.
        if (ended.length > 0) this.nudge()
        for (const job of ended) {
          for (const resolve of this.#waiting.get(job.id) ?? []) resolve(job)
          this.#waiting.delete(job.id)
        }
        failures = 0
      } catch (error) {
        if (failures++ === 0) this.#app.log.warn({ err: error }, 'jobs that somebody waits for cannot be looked at')
      }
      await sleep(MIN_POLL_MS)
      if (this.#waiting.size > 0) await Promise.race([sleep(POLL_MS - MIN_POLL_MS), this.#nudged.promise])
    }
    this.#looking = false
  }
}

const waitersOf = memoizeByOwner((app: App) => new Waiters(app))
