import type { Sql } from '../client.ts'

export interface EventRow {
  id: number
  jobId: string
  projectId: string
  /** Per job, from 1, without gaps. */
  seq: number
  type: string
  data: Record<string, unknown>
  createdAt: Date
  /** The transaction that wrote it. */
  xid: number
}

/** A job's events after `seq`, in order. */
export const list = (sql: Sql, jobId: string, after: number, limit: number): Promise<EventRow[]> => sql`
  SELECT id, job_id, project_id, seq, type, data, created_at, xid FROM events
  WHERE job_id = ${jobId} AND seq > ${after} ORDER BY seq LIMIT ${limit}`

/** When the job's latest safe point was saved; null before the first, and when its event is gone. */
export const findLastSafePoint = async (sql: Sql, jobId: string): Promise<Date | null> => {
  const [row] = await sql<{ createdAt: Date }[]>`
    SELECT created_at FROM events WHERE job_id = ${jobId} AND type = 'job.progressed' ORDER BY seq DESC LIMIT 1`
  return row?.createdAt ?? null
}

/** Which transactions had ended: all below `xmin`, and below `xmax` those that are not in flight. */
export interface Snapshot {
  xmin: number
  xmax: number
  inFlight: number[]
}

/** The snapshot of this statement, with the database's time in seconds. */
export const readSnapshot = async (sql: Sql): Promise<Snapshot & { atSeconds: number }> => {
  const [row] = await sql<[{ text: string; atSeconds: number }]>`
    SELECT pg_current_snapshot()::text AS text, floor(extract(epoch FROM now()))::bigint AS at_seconds`
  const [xmin, xmax, inFlight = ''] = row.text.split(':')
  return {
    xmin: Number(xmin),
    xmax: Number(xmax),
    inFlight: inFlight === '' ? [] : inFlight.split(',').map(Number),
    atSeconds: row.atSeconds,
  }
}

export interface Missed {
  /** Seen already. */
  since: Snapshot
  /** Not seen before the next time. */
  until: Snapshot
  /** Only events with higher ids than this. */
  behindId: number
  projectIds: string[]
}

/**
 * Events that became visible between two snapshots, in an order that keeps each job's. `MATERIALIZED`, because otherwise the
 * planner might walk all events by id to meet the limit.
 */
export const listMissed = (
  sql: Sql,
  { since, until, behindId, projectIds }: Missed,
  limit: number,
): Promise<EventRow[]> => sql`
  WITH missed AS MATERIALIZED (
    SELECT id, job_id, project_id, seq, type, data, created_at, xid FROM events
    WHERE xid >= ${since.xmin} AND (xid >= ${since.xmax} OR xid = ANY (${since.inFlight}::bigint[]))
      AND xid < ${until.xmax} AND xid <> ALL (${until.inFlight}::bigint[])
      AND id > ${behindId} AND project_id = ANY (${projectIds}::uuid[])
  )
  SELECT * FROM missed ORDER BY id LIMIT ${limit}`
