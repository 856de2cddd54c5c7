import type { Sql } from '../client.ts'
import type { JobError } from './jobs.ts'

export interface StintRow {
  stint: number
  attempt: number
  worker: string | null
  startedAt: Date
  /** Null while it runs. */
  endedAt: Date | null
  runMs: number | null
  outcome: string | null
  error: JobError | null
  /** Where the error was thrown, if it was unexpected. */
  stack: string | null
}

/** A job's stints in order, the running one last. */
export const list = (sql: Sql, jobId: string, after: number, limit: number): Promise<StintRow[]> => sql`
  SELECT stint, attempt, worker, started_at, ended_at, run_ms, outcome, error, stack FROM stints
  WHERE job_id = ${jobId} AND stint > ${after}
  UNION ALL
  SELECT stint, attempt, worker, stint_started_at, NULL, NULL, NULL, NULL, NULL FROM jobs
  WHERE id = ${jobId} AND state = 'running' AND stint > ${after}
  ORDER BY stint LIMIT ${limit}`

/** The stack of a job's error: that of its latest stint with an error, unless the job has a different error by now. */
export const findStack = async (sql: Sql, jobId: string, error: JobError): Promise<string | null> => {
  const [row] = await sql<{ stack: string | null }[]>`
    SELECT CASE WHEN error = ${JSON.stringify(error)}::text::jsonb THEN stack END AS stack FROM stints
    WHERE job_id = ${jobId} AND error IS NOT NULL AND outcome <> 'crashed' ORDER BY stint DESC LIMIT 1`
  return row?.stack ?? null
}
