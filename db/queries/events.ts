import type { Sql } from '../client.ts'

export interface EventRow {
  id: number
  jobId: string
  projectId: string
  seq: number
  type: string
  data: Record<string, unknown>
  createdAt: Date
}

/** A job's events after `seq`, in order. */
export const list = (sql: Sql, jobId: string, after: number, limit: number): Promise<EventRow[]> => sql`
  SELECT id, job_id, project_id, seq, type, data, created_at FROM events
  WHERE job_id = ${jobId} AND seq > ${after} ORDER BY seq LIMIT ${limit}`

/** The oldest events that Kafka hasn't got. Never past a remembered id: transactions commit out of order. */
export const listUnpublished = (sql: Sql, limit: number): Promise<EventRow[]> => sql`
  SELECT id, job_id, project_id, seq, type, data, created_at FROM events
  WHERE published_at IS NULL ORDER BY id LIMIT ${limit}`

export const markPublished = async (sql: Sql, ids: number[]): Promise<void> => {
  await sql`UPDATE events SET published_at = now() WHERE id = ANY (${ids}::bigint[]) AND published_at IS NULL`
}

/** Has the newest `limit` events published once more, for a broker that lost its log. @returns how many */
export const markUnpublished = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    UPDATE events SET published_at = NULL
    WHERE published_at IS NOT NULL AND id > (SELECT coalesce(max(id), 0) FROM events) - ${limit}::bigint`
  return rows.count
}
