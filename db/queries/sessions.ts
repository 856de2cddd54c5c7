import type { Sql } from '../client.ts'

export interface NewSession {
  id: string
  userId: string
  /** The hash against which the password was checked. */
  passwordHash: string
  tokenHash: Buffer
  validSeconds: number
}

/**
 * Starts a session with its first token, if the password is still the one that was checked. The user's row is locked,
 * so that a password change at the same moment either sees the session and revokes it, or keeps it from starting.
 */
export const insert = async (sql: Sql, session: NewSession): Promise<boolean> => {
  const rows = await sql`
    WITH person AS (
      SELECT id FROM users WHERE id = ${session.userId} AND password_hash = ${session.passwordHash} FOR SHARE
    ), started AS (
      INSERT INTO sessions (id, user_id) SELECT ${session.id}, id FROM person RETURNING id
    )
    INSERT INTO session_tokens (token_hash, session_id, expires_at)
    SELECT ${session.tokenHash}, id, now() + ${session.validSeconds} * interval '1 second' FROM started
    RETURNING session_id`
  return rows.length === 1
}

export interface Rotation {
  tokenHash: Buffer
  successorHash: Buffer
  validSeconds: number
}

/**
 * Spends a token and stores its successor, in one statement. Of two at the same time the second waits for the first
 * and then finds the token spent.
 * @returns whose session it is, or null when the token is unknown, spent, expired or revoked
 */
export const rotate = async (sql: Sql, rotation: Rotation): Promise<{ userId: string; sessionId: string } | null> => {
  const [row] = await sql<{ userId: string; sessionId: string }[]>`
    WITH spent AS (
      UPDATE session_tokens AS token SET spent_at = now()
      FROM sessions
      WHERE token.token_hash = ${rotation.tokenHash} AND token.spent_at IS NULL AND token.expires_at > now()
        AND sessions.id = token.session_id AND sessions.revoked_at IS NULL
      RETURNING sessions.id, sessions.user_id
    ), successor AS (
      INSERT INTO session_tokens (token_hash, session_id, expires_at)
      SELECT ${rotation.successorHash}, id, now() + ${rotation.validSeconds} * interval '1 second' FROM spent
    )
    SELECT user_id, id AS session_id FROM spent`
  return row ?? null
}

export interface PresentedToken {
  sessionId: string
  userId: string
  /** `repeated`: spent a moment ago, and nobody has used its successor. `reused`: spent, and in whose hands nobody knows. */
  standing: 'over' | 'repeated' | 'reused'
}

/** What there is to say about a token that could not be rotated. */
export const findToken = async (
  sql: Sql,
  token: { tokenHash: Buffer; successorHash: Buffer; repeatSeconds: number },
): Promise<PresentedToken | null> => {
  const [row] = await sql<PresentedToken[]>`
    SELECT token.session_id, sessions.user_id, CASE
        WHEN sessions.revoked_at IS NOT NULL OR token.expires_at <= now() OR token.spent_at IS NULL THEN 'over'
        WHEN token.spent_at > now() - ${token.repeatSeconds} * interval '1 second'
          AND successor.token_hash IS NOT NULL AND successor.spent_at IS NULL THEN 'repeated'
        ELSE 'reused'
      END AS standing
    FROM session_tokens AS token
    JOIN sessions ON sessions.id = token.session_id
    LEFT JOIN session_tokens AS successor ON successor.token_hash = ${token.successorHash}
    WHERE token.token_hash = ${token.tokenHash}`
  return row ?? null
}

/** Holds a session until the transaction ends: whoever ends it meanwhile waits. False: it was ended, or is gone. */
export const lock = async (sql: Sql, sessionId: string): Promise<boolean> => {
  const rows = await sql`SELECT FROM sessions WHERE id = ${sessionId} AND revoked_at IS NULL FOR SHARE`
  return rows.length === 1
}

export const revoke = async (sql: Sql, sessionId: string): Promise<void> => {
  await sql`UPDATE sessions SET revoked_at = now() WHERE id = ${sessionId} AND revoked_at IS NULL`
}

/** Revokes the session that a token belongs to, be the token spent or not. */
export const revokeByToken = async (sql: Sql, tokenHash: Buffer): Promise<void> => {
  await sql`
    UPDATE sessions SET revoked_at = now()
    WHERE id = (SELECT session_id FROM session_tokens WHERE token_hash = ${tokenHash}) AND revoked_at IS NULL`
}

export const revokeAllOfUser = async (sql: Sql, userId: string): Promise<void> => {
  await sql`
    WITH open AS (SELECT id FROM sessions WHERE user_id = ${userId} AND revoked_at IS NULL ORDER BY id FOR NO KEY UPDATE)
    UPDATE sessions SET revoked_at = now() FROM open WHERE sessions.id = open.id`
}

/** Removes up to `limit` tokens that expired over a minute ago, so that none is removed while it is being exchanged. */
export const deleteExpiredTokens = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM session_tokens WHERE token_hash = ANY (ARRAY (
      SELECT token_hash FROM session_tokens WHERE expires_at < now() - interval '1 minute'
      ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ))`
  return rows.count
}

/** Removes up to `limit` sessions that have no token left. */
export const deleteEmpty = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM sessions WHERE id = ANY (ARRAY (
      SELECT id FROM sessions
      WHERE NOT EXISTS (SELECT FROM session_tokens WHERE session_tokens.session_id = sessions.id)
      ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ))`
  return rows.count
}
