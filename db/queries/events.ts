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
