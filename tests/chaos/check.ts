import { setTimeout as sleep } from 'node:timers/promises'
import { mathPi } from '../../functions/jobs/math-pi.ts'
import { runKind } from '../support/run-kind.ts'
import type { Database } from './database.ts'
import type { KafkaCollector } from './kafka-collector.ts'
import { MOST_DIGITS } from './plan.ts'
import { PROMISES } from './promises.ts'

/** A promise and what broke it; nothing, if it was kept. */
export interface Broken {
  promise: string
  rows: readonly object[]
}

export interface CheckOptions {
  database: Database
  collector: KafkaCollector
  accepted: string[]
  /** How long jobs, once nothing breaks any more, may take to come to their end. */
  patienceSeconds: number
}

const KAFKA_PATIENCE_SECONDS = 30

/** Waits until all jobs have ended and Kafka has their events, or can be expected to, and holds them against every promise. */
export const check = async (options: CheckOptions): Promise<Broken[]> => {
  const { database, accepted, patienceSeconds } = options
  await until(patienceSeconds, async () => (await database.read(countOpen)) === 0)
  const { result } = await runKind(mathPi, { input: { digits: MOST_DIGITS, method: 'chudnovsky' } })
  const pi = (result as { digits: string }).digits
  const unseen = await eventsThatDiffer(options)
  const broken: Broken[] = []
  for (const { promise, broken: rows } of PROMISES) {
    broken.push({ promise, rows: await database.read((sql) => rows(sql, { accepted, pi })) })
  }
  return [...broken, { promise: 'events: Kafka has those of the table, and no other', rows: unseen }]
}

const countOpen: Parameters<Database['read']>[0] = async (sql) => {
  const [row] = await sql`SELECT count(*)::integer AS open FROM jobs WHERE state IN ('blocked', 'queued', 'running')`
  return row?.['open']
}

const eventsThatDiffer = async ({ database, collector }: CheckOptions): Promise<object[]> => {
  const differing = async () => {
    const rows = await database.read(
      (sql) => sql<{ id: string; type: string }[]>`
      SELECT job_id || ':' || seq AS id, type FROM events`,
    )
    const known = new Set(rows.map(({ id }) => id))
    return [
      ...rows.filter(({ id, type }) => collector.events.get(id) !== type),
      ...[...collector.events].filter(([id]) => !known.has(id)).map(([id, type]) => ({ id, type, only: 'in Kafka' })),
    ]
  }
  await until(KAFKA_PATIENCE_SECONDS, async () => (await differing()).length === 0)
  return differing()
}

const until = async (seconds: number, isSo: () => Promise<boolean>): Promise<void> => {
  for (const deadline = performance.now() + seconds * 1_000; performance.now() < deadline; await sleep(250)) {
    if (await isSo()) return
  }
}
