import type { Sql } from '../client.ts'

export interface UserRow {
  id: string
  email: string
  name: string
  isAdmin: boolean
  /** Null until the token came back that was sent to it. */
  emailConfirmedAt: Date | null
  createdAt: Date
  passwordHash: string
}

export interface NewUser {
  id: string
  email: string
  name: string
  passwordHash: string
}

/** @throws PostgresError with the constraint `users_email_key` when the email is taken, in whatever case it is written */
export const insert = async (sql: Sql, user: NewUser): Promise<UserRow> => {
  const [row] = await sql<[UserRow]>`
    INSERT INTO users (id, email, name, password_hash)
    VALUES (${user.id}, ${user.email}, ${user.name}, ${user.passwordHash})
    RETURNING id, email, name, is_admin, email_confirmed_at, created_at, password_hash`
  return row
}

export const findById = async (sql: Sql, userId: string): Promise<UserRow | null> => {
  const [row] = await sql<UserRow[]>`
    SELECT id, email, name, is_admin, email_confirmed_at, created_at, password_hash FROM users WHERE id = ${userId}`
  return row ?? null
}

export const findByEmail = async (sql: Sql, email: string): Promise<UserRow | null> => {
  const [row] = await sql<UserRow[]>`
    SELECT id, email, name, is_admin, email_confirmed_at, created_at, password_hash FROM users WHERE lower(email) = lower(${email})`
  return row ?? null
}

/** Whether the person who submitted a job has confirmed their email. */
export const hasConfirmedSubmitter = async (sql: Sql, jobId: string): Promise<boolean> => {
  const [row] = await sql<[{ found: boolean }]>`
    SELECT EXISTS (
      SELECT FROM jobs JOIN users ON users.id = jobs.created_by
      WHERE jobs.id = ${jobId} AND email_confirmed_at IS NOT NULL
    ) AS found`
  return row.found
}

/**
 * Changes what is given; null leaves it. Another email is one that nobody has confirmed. Nothing changes if the password's
 * hash is another by now than the one that the caller has checked, if he has.
 */
export const update = async (
  sql: Sql,
  userId: string,
  change: { name: string | null; email: string | null; checkedHash: string | null },
): Promise<UserRow | null> => {
  const [row] = await sql<UserRow[]>`
    UPDATE users SET name = coalesce(${change.name}, name), email = coalesce(${change.email}, email),
      email_confirmed_at = CASE WHEN lower(coalesce(${change.email}, email)) = lower(email) THEN email_confirmed_at END,
      updated_at = now()
    WHERE id = ${userId} AND password_hash = coalesce(${change.checkedHash}, password_hash)
    RETURNING id, email, name, is_admin, email_confirmed_at, created_at, password_hash`
  return row ?? null
}

/** Replaces the hash that the caller has checked, or changes nothing if it is another one by now. */
export const updatePassword = async (
  sql: Sql,
  userId: string,
  hash: { checked: string; next: string },
): Promise<boolean> => {
  const rows = await sql`
    UPDATE users SET password_hash = ${hash.next}, updated_at = now()
    WHERE id = ${userId} AND password_hash = ${hash.checked}
    RETURNING id`
  return rows.length === 1
}

/** Makes the person with an email an admin, or one no more; null when there is no such person, or none who `confirmed` it. */
export const setAdmin = async (
  sql: Sql,
  email: string,
  { isAdmin, confirmed }: { isAdmin: boolean; confirmed: boolean },
): Promise<UserRow | null> => {
  const [row] = await sql<UserRow[]>`
    UPDATE users SET is_admin = ${isAdmin}, updated_at = now()
    WHERE lower(email) = lower(${email}) ${confirmed ? sql`AND email_confirmed_at IS NOT NULL` : sql``}
    RETURNING id, email, name, is_admin, email_confirmed_at, created_at, password_hash`
  return row ?? null
}
