import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from '../../db/client.ts'
import { mathPi } from '../../functions/jobs/math-pi.ts'
import { runKind } from '../support/run-kind.ts'
import type { Database } from './database.ts'
import type { KafkaCollector } from './kafka-collector.ts'
import { MOST_DIGITS } from './plan.ts'
import { PROMISES } from './promises.ts'

/** A promise, and the rows that broke it; none if it was kept. */
export interface Broken {
  promise: string
  rows: readonly object[]
}

export interface CheckOptions {
  database: Database
  collector: KafkaCollector
  accepted: string[]
  /** Once nothing breaks any more: how long nothing may happen until jobs that haven't ended count as lost. */
  patienceSeconds: number
}

/** Generous, for a busy machine. */
const KAFKA_PATIENCE_SECONDS = 300

/** Waits until all jobs have ended and Kafka has their events, or should have, and checks every promise. */
export const check = async (options: CheckOptions): Promise<Broken[]> => {
  const { database, accepted, patienceSeconds } = options
  await untilAllEnded(database, patienceSeconds)
  const { result } = await runKind(mathPi, { input: { digits: MOST_DIGITS, method: 'chudnovsky' } })
  const pi = (result as { digits: string }).digits
  const unseen = await eventsThatDiffer(options)
  // A restarted broker gets past events again. That has to end, too.
  await until(KAFKA_PATIENCE_SECONDS, async () => (await database.read(countUnpublished)) === 0)
  const broken: Broken[] = []
  for (const { promise, broken: rows } of PROMISES) {
    broken.push({ promise, rows: await database.read((sql) => rows(sql, { accepted, pi })) })
  }
  return [...broken, { promise: 'events: Kafka has those of the table, and no other', rows: unseen }]
}

const countUnpublished = async (sql: Pool): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`SELECT count(*)::integer AS count FROM outbox`
  return row.count
}

/** Waits as long as something happens, however slow the machine is. */
const untilAllEnded = async (database: Database, patienceSeconds: number): Promise<void> => {
  for (let before = -1; ; ) {
    const { open, told } = await database.read(look)
    if (open === 0 || told === before) return
    before = told
    await until(patienceSeconds, async () => {
      const now = await database.read(look)
      return now.open === 0 || now.told !== before
    })
  }
}

const look = async (sql: Pool): Promise<{ open: number; told: number }> => {
  const [row] = await sql<[{ open: number; told: number }]>`
    SELECT (SELECT count(*) FROM jobs WHERE state IN ('blocked', 'queued', 'running'))::integer AS open,
           (SELECT sum(event_seq) FROM jobs)::integer AS told`
  return row
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
