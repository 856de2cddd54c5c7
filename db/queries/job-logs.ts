import type { Sql } from '../client.ts'

export interface NewLogLine {
  jobId: string
  stint: number
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
  /** JSON text. */
  data: string | null
  /** RFC 3339. */
  at: string
}

export interface LogLineRow {
  id: number
  stint: number
  level: string
  message: string
  data: unknown
  createdAt: Date
}

/**
 * Stores lines of stints that still hold their job; the lines of others are dropped. The first `again` of them may be there
 * already. (Counted, since an EXISTS might be planned as one look at all lines there are.)
 */
export const insertFenced = async (sql: Sql, lines: NewLogLine[], again = 0): Promise<void> => {
  const isNew = sql`
    WHERE nth > ${again} OR (
      SELECT count(*) = 0 FROM (
        SELECT FROM job_logs AS there
        WHERE there.job_id = given.job_id AND there.stint = given.stint AND there.created_at = at::timestamptz
          AND there.level = given.level AND there.message = given.message LIMIT 1
      ) AS same
    )`
  await sql`
    INSERT INTO job_logs (job_id, stint, level, message, data, created_at)
    SELECT given.job_id, given.stint, level, message, data::jsonb, at::timestamptz
    FROM unnest(
      ${lines.map((it) => it.jobId)}::uuid[],
      ${lines.map((it) => it.stint)}::integer[],
      ${lines.map((it) => it.level)}::text[],
      ${lines.map((it) => it.message)}::text[],
      ${lines.map((it) => it.data)}::text[],
      ${lines.map((it) => it.at)}::text[]
    ) WITH ORDINALITY AS given (job_id, stint, level, message, data, at, nth)
    JOIN jobs ON jobs.id = given.job_id AND jobs.stint = given.stint AND jobs.state = 'running'
    ${again > 0 ? isNew : sql``}
    ORDER BY nth`
}

/** The newest first, those before a line, or the newest of all. */
export const listNewest = (
  sql: Sql,
  jobId: string,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<LogLineRow[]> => sql`
  SELECT id, stint, level, message, data, created_at FROM job_logs
  WHERE job_id = ${jobId} ${before === undefined ? sql`` : sql`AND id < ${before}`} ORDER BY id DESC LIMIT ${limit}`

export const list = (sql: Sql, jobId: string, after: number, limit: number): Promise<LogLineRow[]> => sql`
  SELECT id, stint, level, message, data, created_at FROM job_logs
  WHERE job_id = ${jobId} AND id > ${after} ORDER BY id LIMIT ${limit}`
