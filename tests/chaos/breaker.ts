import { setTimeout as sleep } from 'node:timers/promises'
import { between, pick, type Random } from '../../infra/local/chaos/random.ts'
import type { Stack } from '../../infra/local/stack.ts'
import type { Database } from './database.ts'
import type { Part, Probes } from './probes.ts'

/** One kill, and what it took to get over it. */
export interface Strike {
  /** `frozen worker`: stopped for longer than its lease, then woken. */
  part: Part | 'worker' | 'frozen worker'
  /** Of the process. */
  name: string
  /** Of a worker: how stints name it. */
  instance?: string
  atMs: number
  /** Until everything it had under way was under way again or waited for its turn; of another part, until its first use. */
  recoveredMs: number
  /** Of a worker: the jobs that it ran. */
  jobs: number
}

export interface Breaker {
  /** Breaks something, and resolves when it works again. @returns undefined when there was nothing to break */
  strike(part: Strike['part']): Promise<Strike | undefined>
  /** Breaks one thing after the other. */
  strikeUntil(signal: AbortSignal, onStrike: (strike: Strike) => void): Promise<void>
}

export interface BreakerOptions {
  stack: Stack
  database: Database
  probes: Probes
  random: Random
  leaseSeconds: number
}

/** There are many workers, and they die most often. */
const PARTS: readonly Strike['part'][] = ['worker', 'worker', 'worker', 'host', 'postgres', 'sqs-s3', 'kafka']

class NotRecoveredError extends Error {
  override readonly name = 'NotRecoveredError'
}

export const createBreaker = ({ stack, database, probes, random, leaseSeconds }: BreakerOptions): Breaker => {
  const frozen = new Set<number>()

  const strikePart = async (part: Part): Promise<Strike | undefined> => {
    const pid = stack.run().find(({ name }) => name === part)?.pid
    if (!pid) return undefined
    const atMs = Date.now()
    process.kill(pid, 'SIGKILL')
    await probes[part](pid)
    return { part, name: part, atMs, recoveredMs: Date.now() - atMs, jobs: 0 }
  }

  const strikeWorker = async (): Promise<Strike | undefined> => {
    const victim = await chooseBusyWorker()
    if (!victim) return undefined
    const atMs = Date.now()
    if (!signalTo(victim.pid, 'SIGKILL')) return undefined
    const jobs = await interruptedJobs(victim.instance)
    await untilRunAgain(jobs, atMs)
    return { part: 'worker', ...victim, atMs, recoveredMs: Date.now() - atMs, jobs: jobs.length }
  }

  /** A machine that stood still: it wakes long after others took over its jobs, and believes that it still has them. */
  const freezeWorker = async (): Promise<Strike | undefined> => {
    const victim = await chooseBusyWorker(hasMate)
    if (!victim) return undefined
    const atMs = Date.now()
    if (!signalTo(victim.pid, 'SIGSTOP')) return undefined
    frozen.add(victim.pid)
    const jobs = await interruptedJobs(victim.instance)
    await untilRunAgain(jobs, atMs)
    const recoveredMs = Date.now() - atMs
    await sleep(Math.max(0, leaseSeconds * 1_000 - recoveredMs) + 2_000)
    signalTo(victim.pid, 'SIGCONT')
    frozen.delete(victim.pid)
    return { part: 'frozen worker', ...victim, atMs, recoveredMs, jobs: jobs.length }
  }

  /** Another worker of the queue takes its jobs over. A queue's only one that stands still is ended with its function's time. */
  const hasMate = (name: string): boolean => {
    const queue = name.replace(/\d+$/, '')
    return stack.run().some((it) => it.name !== name && it.name.startsWith(queue) && !frozen.has(it.pid))
  }

  const chooseBusyWorker = async (
    isFit: (name: string) => boolean = () => true,
  ): Promise<{ name: string; pid: number; instance: string } | undefined> => {
    const busy = await database.read(
      (sql) => sql<{ instance: string }[]>`
      SELECT DISTINCT worker AS instance FROM jobs WHERE state = 'running' ORDER BY worker`,
    )
    const alive = stack.run().flatMap(({ name, pid }) => {
      const instance = busy.find((row) => row.instance.startsWith(`${name}-`))?.instance
      return instance && !frozen.has(pid) && isFit(name) ? [{ name, pid, instance }] : []
    })
    return alive.length > 0 ? pick(random, alive) : undefined
  }

  /** Read after the kill: what the process wrote in its last moment counts. */
  const interruptedJobs = (instance: string) =>
    database.read(
      (sql) => sql<{ id: string; stint: number }[]>`
      SELECT id, stint FROM jobs WHERE state = 'running' AND worker = ${instance}`,
    )

  /**
   * Until each runs again. One that waits although its queue runs has recovered: since jobs of a higher priority took its
   * place, or since its process died twice and it waits for the turn that it gets alone.
   */
  const untilRunAgain = async (jobs: { id: string; stint: number }[], sinceMs: number): Promise<void> => {
    const ids = jobs.map(({ id }) => id)
    const stints = jobs.map(({ stint }) => stint)
    const deadline = performance.now() + (leaseSeconds + 300) * 1_000
    for (; ; await sleep(20)) {
      const [row] = await database.read(
        (sql) => sql<{ left: number }[]>`
        SELECT count(*)::integer AS left FROM unnest(${ids}::uuid[], ${stints}::integer[]) AS interrupted (id, stint)
        JOIN jobs USING (id)
        WHERE jobs.stint = interrupted.stint AND (state = 'running' OR state = 'queued' AND NOT EXISTS (
          SELECT FROM jobs AS other
          WHERE other.queue = jobs.queue AND (other.priority > jobs.priority OR jobs.crashes >= 2)
            AND other.stint_started_at > to_timestamp(${sinceMs / 1_000}) AND other.stint_started_at > jobs.stint_started_at
        ))`,
      )
      if (row?.left === 0) return
      if (performance.now() > deadline)
        throw new NotRecoveredError(`${row?.left} jobs of a dead worker never ran again`)
    }
  }

  const strike: Breaker['strike'] = (part) => {
    if (part === 'worker') return strikeWorker()
    return part === 'frozen worker' ? freezeWorker() : strikePart(part)
  }

  return {
    strike,
    strikeUntil: async (signal, onStrike) => {
      while (!signal.aborted) {
        const part = pick(random, PARTS)
        // A killed host takes its workers with it, and a frozen process must be woken.
        const done = part === 'host' && frozen.size > 0 ? undefined : await strike(part)
        if (done) onStrike(done)
        await sleep(done ? between(random, 500, 4_000) : 50, undefined, { signal }).catch(() => {})
      }
    },
  }
}

/** @returns whether it was there */
const signalTo = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
