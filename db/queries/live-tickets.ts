import type { Sql } from '../client.ts'

export interface NewTicket {
  tokenHash: Buffer
  userId: string
  sessionId: string | null
  validSeconds: number
  /** How long a connection that it opens may last; never beyond `endsAt`. */
  connectionSeconds: number
  endsAt: Date | null
}

/** False: the session was ended, or is gone. */
export const insert = async (sql: Sql, ticket: NewTicket): Promise<boolean> => {
  const rows = await sql`
    INSERT INTO live_tickets (token_hash, user_id, session_id, ends_at, expires_at)
    SELECT ${ticket.tokenHash}, ${ticket.userId}, sessions.id,
      least(now() + ${ticket.connectionSeconds} * interval '1 second', ${ticket.endsAt}::timestamptz),
      now() + ${ticket.validSeconds} * interval '1 second'
    FROM (VALUES (${ticket.sessionId}::uuid)) AS given (session_id)
    LEFT JOIN sessions ON sessions.id = given.session_id AND sessions.revoked_at IS NULL
    WHERE given.session_id IS NULL OR sessions.id IS NOT NULL
    RETURNING user_id`
  return rows.length === 1
}

/** Removes up to `limit` that nobody spent in time. */
export const deleteExpired = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM live_tickets WHERE token_hash = ANY (ARRAY (
      SELECT token_hash FROM live_tickets WHERE expires_at < now()
      ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ))`
  return rows.count
}
