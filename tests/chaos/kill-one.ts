import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { scratchFolder } from '../../infra/local/shared/scratch-folder.ts'
import { type Stack, startStack } from '../../infra/local/stack.ts'
import { type Client, connect } from './client.ts'
import { type Database, openDatabase } from './database.ts'

const JOBS = 2_000
const JOB_MS = 20
const GOAL_MS = 2_000

/** What became of the jobs of one killed worker. */
interface Found {
  lost: number
  /** Jobs that ended more than once. */
  twice: number
  /** Jobs that it was running when it died. */
  interrupted: number
  /** When the last of them ran again, in milliseconds since the kill. */
  againMs: number
}

/**
 * One worker is killed with SIGKILL while 2 000 jobs of 20 ms are under way, everything else as it is by default: where
 * other queues lose jobs, repeat some, or let the interrupted ones wait for a minute.
 * @returns whether none was lost, none ended twice, and all that were interrupted ran again in time
 */
export const killOne = async (say: (line: string) => void): Promise<boolean> => {
  const dataDir = scratchFolder('kill-one')
  const stack = await startStack({ dataDir })
  const database = openDatabase(dataDir)
  try {
    const client = await connect(stack.url, 'ada')
    // The worker that is there from the start, and a connection of each: what comes first is always slower.
    await submit(client, 200)
    await untilEnded(database)
    await submit(client, JOBS)
    const { pid, instance } = await busyWorker(stack, database)
    const atMs = Date.now()
    process.kill(pid, 'SIGKILL')
    await untilEnded(database)
    const { lost, twice, interrupted, againMs } = await findOut(database, instance, atMs)
    say(`A worker was killed with ${JOBS} jobs of ${JOB_MS} ms under way, ${interrupted} of them in it.`)
    say(`  lost                             ${lost}`)
    say(`  run again after they had ended   ${twice}`)
    say(`  the interrupted ran again after  ${(againMs / 1_000).toFixed(2)} s`)
    return lost === 0 && twice === 0 && interrupted > 0 && againMs <= GOAL_MS
  } finally {
    await database.close()
    await stack.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

const submit = async (client: Client, count: number): Promise<void> => {
  const job = { kind: 'debug.noop', input: { steps: 1, stepMs: JOB_MS } }
  const jobs = Array.from({ length: count }, () => job)
  const { status, body } = await client.patiently('POST', '/jobs/batch', { body: { jobs } })
  if (status !== 202) throw new Error(`the jobs were refused: ${JSON.stringify(body)}`)
}

/** The first worker that has a hundred jobs under way. */
const busyWorker = async (stack: Stack, database: Database): Promise<{ pid: number; instance: string }> => {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const rows = await database.read(
      (sql) => sql<{ instance: string }[]>`
      SELECT worker AS instance FROM jobs WHERE state = 'running' GROUP BY worker HAVING count(*) >= 100`,
    )
    for (const { instance } of rows) {
      const found = stack.run().find(({ name }) => instance.startsWith(`${name}-`))
      if (found) return { pid: found.pid, instance }
    }
  }
  throw new Error('no worker was ever busy')
}

const untilEnded = async (database: Database): Promise<void> => {
  for (const deadline = Date.now() + 180_000; Date.now() < deadline; await sleep(50)) {
    const rows = await database.read((sql) => sql`SELECT FROM jobs WHERE finished_at IS NULL LIMIT 1`)
    if (rows.length === 0) return
  }
}

const findOut = (database: Database, instance: string, atMs: number): Promise<Found> =>
  database.read(async (sql) => {
    const [row] = await sql<[Found]>`
      SELECT count(*) FILTER (WHERE state <> 'succeeded')::integer AS lost,
             count(*) FILTER (WHERE ends > 1)::integer AS twice,
             count(again)::integer AS interrupted,
             (extract(epoch FROM max(again)) * 1000 - ${atMs}::double precision)::double precision AS again_ms
      FROM jobs, LATERAL (
        SELECT count(*) AS ends FROM events
        WHERE job_id = jobs.id AND type IN ('job.succeeded', 'job.failed', 'job.cancelled')
      ) AS ended, LATERAL (
        SELECT max(next.started_at) AS again
        FROM stints JOIN stints AS next ON next.job_id = stints.job_id AND next.stint = stints.stint + 1
        WHERE stints.job_id = jobs.id AND stints.worker = ${instance} AND stints.outcome = 'crashed'
      ) AS ran`
    return row
  })
