import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createPool } from '../../db/client.ts'
import * as claims from '../../db/queries/claims.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as outbox from '../../db/queries/outbox.ts'
import * as outcomes from '../../db/queries/outcomes.ts'
import { debugNoop } from '../../functions/jobs/debug-noop.ts'
import { prepare } from '../../lib/jobs/prepare.ts'
import { SUBMISSION } from '../measures/body.ts'
import { median } from '../measures/quantile.ts'

const JOBS = 20_000
/** Statements of each kind at most. */
const ROUNDS = 200

/** CPU microseconds per job of each step that a job takes through Postgres, this many jobs at a time: medians. */
export const measureStatements = async (url: string, size: number): Promise<Record<string, number>> => {
  const sql = createPool({ url, maxConnections: 1, prepare: true, applicationName: 'statements' })
  const [{ pid }] = await sql<[{ pid: number }]>`SELECT pg_backend_pid() AS pid`
  const times: Record<string, number[]> = {}
  const timed = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const before = cpuMicroseconds(pid)
    const result = await work()
    times[step] ??= []
    times[step].push((cpuMicroseconds(pid) - before) / size)
    return result
  }
  const owner = { projectId: randomUUID(), createdBy: randomUUID() }
  const rounds = Math.min(ROUNDS, JOBS / size)
  for (let n = 0; n < rounds; n++) {
    const rows = Array.from({ length: size }, () => prepare([debugNoop], SUBMISSION, owner).row)
    await timed('insert, with its event', () => jobs.insert(sql, rows))
  }
  for (let n = 0; n < rounds; n++) {
    const { jobs: claimed } = await timed('claim, with its event', () => claims.claim(sql, wish(size, n)))
    const ended = claimed.map(({ id, stint, input }) => ({ id, stint, runMs: 1, result: JSON.stringify(input) }))
    const returned = ended.map((it) => ({ ...it, ending: 'returned' as const }))
    await timed('finish, with its event and its stint', () => outcomes.finish(sql, returned))
  }
  for (let n = 0; n < rounds; n++) {
    const events = await timed('an event read for Kafka', () => outbox.list(sql, size))
    await timed('and taken out of the outbox', () => outbox.remove(sql, [...new Set(events.map((it) => it.outboxId))]))
  }
  await sql`TRUNCATE jobs, events, stints, outbox`
  await sql.end()
  return Object.fromEntries(Object.entries(times).map(([step, all]) => [step, median(all)]))
}

const wish = (limit: number, nth: number, from = randomUUID()): claims.ClaimRequest => ({
  queue: 'default',
  worker: 'worker-default-1-0193f2a0-7c1e-7b7a-9d64-6c2f1b1e8a55',
  limit,
  bytes: 2 ** 25,
  kinds: ['debug.noop', 'mail.send'],
  slots: [500, 50],
  leaseSeconds: 60,
  suspectFirst: nth % 5 === 0,
  after: from,
  roundFrom: from,
})

/** The CPU time of a process, by the scheduler's own clock. */
const cpuMicroseconds = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000
