import type { Sql } from '../client.ts'

export interface NewEntry {
  id: string
  projectId: string | null
  userId: string | null
  apiKeyId: string | null
  action: string
  target: string
  data: Record<string, unknown>
  ip: string | null
}

export interface EntryRow extends NewEntry {
  /** Null when the person is gone, or there was none. */
  userName: string | null
  createdAt: Date
}

export const insert = async (sql: Sql, entries: NewEntry[]): Promise<void> => {
  await sql`
    INSERT INTO audit_log (id, project_id, user_id, api_key_id, action, target, data, ip)
    SELECT id, "projectId", "userId", "apiKeyId", action, target, data, ip
    FROM jsonb_to_recordset(${JSON.stringify(entries)}::text::jsonb) AS given (
      id uuid, "projectId" uuid, "userId" uuid, "apiKeyId" uuid, action text, target text, data jsonb, ip text
    )`
}

/** What was done in a project, or everywhere, newest first, before `before`. */
export const list = (
  sql: Sql,
  projectId: string | null,
  { before, limit }: { before: string | undefined; limit: number },
): Promise<EntryRow[]> => sql`
  SELECT audit_log.id, project_id, user_id, users.name AS user_name, api_key_id, action, target, data, ip,
    audit_log.created_at
  FROM audit_log LEFT JOIN users ON users.id = audit_log.user_id
  WHERE true ${projectId === null ? sql`` : sql`AND project_id = ${projectId}`}
    ${before === undefined ? sql`` : sql`AND audit_log.id < ${before}`}
  ORDER BY audit_log.id DESC LIMIT ${limit}`

/**
 * Removes up to `limit` entries that are older than this many days, and never one of the last 30 days. Those who may only
 * add entries may call it too.
 */
export const prune = async (sql: Sql, days: number, limit: number): Promise<number> => {
  const [row] = await sql<[{ removed: number }]>`SELECT prune_audit_log(${days}, ${limit})::int AS removed`
  return row.removed
}
