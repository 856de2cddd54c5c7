import type { Sql } from '../client.ts'

type TokenPurpose = 'confirm-email' | 'reset-password'

export interface NewAccountToken {
  jobId: string
  userId: string
  purpose: TokenPurpose
  email: string
  tokenHash: Buffer
  validSeconds: number
}

/** Stores a job's token, once: a later stint of the job leaves it as it is, spent or not. */
export const insert = async (sql: Sql, token: NewAccountToken): Promise<void> => {
  await sql`
    INSERT INTO account_tokens (job_id, user_id, purpose, email, token_hash, expires_at)
    VALUES (${token.jobId}, ${token.userId}, ${token.purpose}, ${token.email}, ${token.tokenHash},
            now() + ${token.validSeconds} * interval '1 second')
    ON CONFLICT (job_id) DO NOTHING`
}

/**
 * Spends a person's token, and notes that the email to which it was sent is theirs. Of two at the same time the second
 * waits for the first and then finds the token spent.
 * @returns false when the token is unknown, spent, expired or of another person, or the person has another email by now
 */
export const confirmEmail = async (sql: Sql, userId: string, tokenHash: Buffer): Promise<boolean> => {
  const rows = await sql`
    WITH spent AS (
      UPDATE account_tokens SET spent_at = now()
      WHERE token_hash = ${tokenHash} AND user_id = ${userId} AND purpose = 'confirm-email'
        AND spent_at IS NULL AND expires_at > now()
      RETURNING user_id, email
    )
    UPDATE users SET email_confirmed_at = coalesce(email_confirmed_at, now()), updated_at = now()
    FROM spent WHERE users.id = spent.user_id AND lower(users.email) = lower(spent.email)
    RETURNING users.id`
  return rows.length === 1
}

export interface Reset {
  id: string
  email: string
  /** Whether somebody had confirmed the email before. */
  wasConfirmed: boolean
}

/**
 * Spends a token, and replaces the password of the person to whose email it was sent; whoever could read the mail owns
 * the email. Nobody stays an admin by an email that somebody else may have typed. Of two at the same time the second waits for
 * the first and then finds the token spent.
 * @returns null when the token is unknown, spent or expired, or the person has another email by now
 */
export const resetPassword = async (
  sql: Sql,
  { tokenHash, passwordHash }: { tokenHash: Buffer; passwordHash: string },
): Promise<Reset | null> => {
  const [row] = await sql<Reset[]>`
    WITH spent AS (
      UPDATE account_tokens SET spent_at = now()
      WHERE token_hash = ${tokenHash} AND purpose = 'reset-password' AND spent_at IS NULL AND expires_at > now()
      RETURNING user_id, email
    ), person AS (
      SELECT users.id, email_confirmed_at FROM users JOIN spent ON users.id = spent.user_id
      WHERE lower(users.email) = lower(spent.email) FOR NO KEY UPDATE OF users
    )
    UPDATE users SET password_hash = ${passwordHash}, email_confirmed_at = coalesce(users.email_confirmed_at, now()),
      is_admin = is_admin AND users.email_confirmed_at IS NOT NULL, updated_at = now()
    FROM person WHERE users.id = person.id
    RETURNING users.id, users.email, person.email_confirmed_at IS NOT NULL AS was_confirmed`
  return row ?? null
}

/** Removes the tokens by which a person's password could still be replaced. */
export const removeResets = async (sql: Sql, userId: string): Promise<void> => {
  await sql`DELETE FROM account_tokens WHERE user_id = ${userId} AND purpose = 'reset-password' AND spent_at IS NULL`
}

/** Removes up to `limit` tokens that expired over a minute ago, so that none is removed while it is being spent. */
export const deleteExpired = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM account_tokens WHERE job_id = ANY (ARRAY (
      SELECT job_id FROM account_tokens WHERE expires_at < now() - interval '1 minute'
      ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ))`
  return rows.count
}
