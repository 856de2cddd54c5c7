import type { Fragment } from 'postgres'
import type { Sql } from '../client.ts'

/** How many connections (tabs, devices) a person may have: each event goes to each of them, while others wait. */
export const MAX_OF_PERSON = 100

const hasRoom = (sql: Sql, userId: string | Fragment) => sql`
  (SELECT count(*) FROM live_connections WHERE user_id = ${userId} AND ends_at > now()) < ${MAX_OF_PERSON}`

/** Whether a person may open another connection now. */
export const isThereRoom = async (sql: Sql, userId: string): Promise<boolean> => {
  const [row] = await sql<[{ room: boolean }]>`SELECT ${hasRoom(sql, userId)} AS room`
  return row.room
}

/**
 * Opens a connection for the holder of `ticket`, in one statement: of two that come with the same ticket, one gets it.
 * @returns `full` if the ticket was good, but its person has as many as a person may have
 */
export const insertByTicket = async (
  sql: Sql,
  connectionId: string,
  ticketHash: Buffer,
): Promise<'open' | 'full' | 'unknown'> => {
  const [row] = await sql<{ room: boolean }[]>`
    WITH spent AS (
      DELETE FROM live_tickets WHERE token_hash = ${ticketHash} RETURNING user_id, session_id, ends_at, expires_at
    ), allowed AS (
      SELECT spent.*, ${hasRoom(sql, sql`spent.user_id`)} AS room
      FROM spent LEFT JOIN sessions ON sessions.id = spent.session_id
      WHERE spent.expires_at > now() AND spent.ends_at > now() AND sessions.revoked_at IS NULL
    ), inserted AS (
      INSERT INTO live_connections (id, user_id, session_id, ends_at)
      SELECT ${connectionId}, user_id, session_id, ends_at FROM allowed WHERE room
    )
    SELECT room FROM allowed`
  if (!row) return 'unknown'
  return row.room ? 'open' : 'full'
}

/** Seconds until the connection ends; null if it is unknown or its session has ended. */
export const findSecondsLeft = async (sql: Sql, connectionId: string): Promise<number | null> => {
  const [row] = await sql<{ secondsLeft: number }[]>`
    SELECT extract(epoch FROM connection.ends_at - now())::float AS seconds_left
    FROM live_connections AS connection LEFT JOIN sessions ON sessions.id = connection.session_id
    WHERE connection.id = ${connectionId} AND connection.ends_at > now() AND sessions.revoked_at IS NULL`
  return row?.secondsLeft ?? null
}

/** Whether anybody may be connected, of whatever project. */
export const areThere = async (sql: Sql): Promise<boolean> => {
  const rows = await sql`SELECT FROM live_connections LIMIT 1`
  return rows.length > 0
}

export interface Listener {
  connectionId: string
  /** The projects asked for of which its person is a member. */
  projectIds: string[]
}

/** The connections that may receive events of the projects' jobs now. */
export const listListeners = (sql: Sql, projectIds: string[]): Promise<Listener[]> => sql`
  SELECT connection.id AS connection_id, array_agg(memberships.project_id ORDER BY memberships.project_id) AS project_ids
  FROM live_connections AS connection
  JOIN memberships ON memberships.user_id = connection.user_id
  JOIN projects ON projects.id = memberships.project_id
  LEFT JOIN sessions ON sessions.id = connection.session_id
  WHERE memberships.project_id = ANY (${projectIds}::uuid[]) AND projects.deleted_at IS NULL
    AND connection.ends_at > now() AND sessions.revoked_at IS NULL
  GROUP BY connection.id`

export const remove = async (sql: Sql, connectionId: string): Promise<void> => {
  await sql`DELETE FROM live_connections WHERE id = ${connectionId}`
}

/** Removes connections that were reported gone, except young ones, which may just not have been open yet. */
export const removeGone = async (sql: Sql, connectionIds: string[], youngSeconds: number): Promise<void> => {
  await sql`
    DELETE FROM live_connections
    WHERE id = ANY (${connectionIds}) AND connected_at < now() - ${youngSeconds} * interval '1 second'`
}

/** Forgets all: whoever held them is gone. */
export const removeAll = async (sql: Sql): Promise<void> => {
  await sql`DELETE FROM live_connections`
}

/** Removes up to `limit` that have ended. */
export const deleteEnded = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM live_connections WHERE id = ANY (ARRAY (
      SELECT id FROM live_connections WHERE ends_at < now() ORDER BY ends_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ))`
  return rows.count
}
