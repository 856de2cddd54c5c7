import type { Sql } from '../client.ts'

/** A count of a project's jobs. The columns that the count isn't grouped by are null. */
export interface ActivityRow {
  kind: string
  /** The beginning of the quarter of an hour in which they were submitted: hours and days of all time zones are made of these. */
  quarter: Date | null
  state: string | null
  errorCode: string | null
  waitBin: number | null
  runBin: number | null
  jobs: number
  runMs: number
}

export interface ActivityQuery {
  projectId: string
  /** Jobs from this id on, up to before that one: ids are made in the order of time. */
  firstId: string
  endId: string
  /** Upper bounds, in milliseconds. Bin 0 is below the first, the last bin above the last. */
  binsMs: number[]
}

/** The id of the job at this offset within a stretch of time; null if it has no more. Reads the index only. */
export const findNth = async (
  sql: Sql,
  { projectId, firstId, endId }: Pick<ActivityQuery, 'projectId' | 'firstId' | 'endId'>,
  before: number,
): Promise<string | null> => {
  const [row] = await sql<{ id: string }[]>`
    SELECT id FROM jobs
    -- Not "= project_id": then the primary key would have the order too, and all projects lie in its way.
    WHERE project_id = ANY (${[projectId]}::uuid[]) AND id >= ${firstId} AND id < ${endId}
    ORDER BY project_id DESC, id OFFSET ${before} LIMIT 1`
  return row?.id ?? null
}

/**
 * Counts the jobs that were submitted in a stretch of time: by time, kind and state; by kind and how long they waited for
 * their first stint; by kind and how long they ran; by kind and the error that they ended with. One pass over an index.
 */
export const count = (sql: Sql, query: ActivityQuery): Promise<ActivityRow[]> => sql`
  WITH job AS (
    SELECT kind, state, run_ms, CASE WHEN state = 'failed' THEN coalesce(error->>'code', 'ERROR') END AS error_code,
      date_bin('15 minutes', queued_at, 'epoch') AS quarter,
      CASE WHEN started_at IS NOT NULL THEN
        width_bucket((extract(epoch FROM started_at - greatest(queued_at, start_at)) * 1000)::float8, ${query.binsMs}::float8[])
      END AS wait_bin,
      CASE WHEN state IN ('succeeded', 'failed') THEN width_bucket(run_ms::float8, ${query.binsMs}::float8[]) END AS run_bin
    FROM jobs WHERE project_id = ${query.projectId} AND id >= ${query.firstId} AND id < ${query.endId}
  )
  SELECT kind, quarter, state, error_code, wait_bin, run_bin, count(*)::int AS jobs, sum(run_ms)::bigint AS run_ms
  FROM job
  GROUP BY GROUPING SETS ((quarter, kind, state), (kind, wait_bin), (kind, run_bin), (kind, error_code))
  HAVING grouping(quarter) = 0 OR wait_bin IS NOT NULL OR run_bin IS NOT NULL OR error_code IS NOT NULL`

export interface LongJob {
  id: string
  kind: string
  name: string | null
  state: string
  runMs: number
  stints: number
}

/** The jobs of a stretch of time that ran longest. */
export const listLongest = (
  sql: Sql,
  query: Pick<ActivityQuery, 'projectId' | 'firstId' | 'endId'>,
  limit: number,
): Promise<LongJob[]> => sql`
  SELECT id, kind, name, state, run_ms, stint AS stints FROM jobs
  WHERE project_id = ${query.projectId} AND id >= ${query.firstId} AND id < ${query.endId} AND run_ms > 0
  ORDER BY run_ms DESC, id LIMIT ${limit}`
