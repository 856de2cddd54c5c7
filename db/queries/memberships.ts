import type { Sql } from '../client.ts'

export const ROLES = ['viewer', 'maintainer', 'owner'] as const
/** Each may do all that those before it may. */
export type Role = (typeof ROLES)[number]

export interface MemberRow {
  userId: string
  email: string
  name: string
  role: Role
  createdAt: Date
}

export interface Membership {
  projectId: string
  userId: string
  role: Role
}

/** Adds the person or changes their role; null when there is no such person. */
export const put = async (sql: Sql, membership: Membership): Promise<MemberRow | null> => {
  const [row] = await sql<MemberRow[]>`
    WITH person AS (
      SELECT id, email, name FROM users WHERE id = ${membership.userId} FOR KEY SHARE
    ), member AS (
      INSERT INTO memberships (project_id, user_id, role)
      SELECT ${membership.projectId}, id, ${membership.role} FROM person
      ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role
      RETURNING user_id, role, created_at
    )
    SELECT member.user_id, person.email, person.name, member.role, member.created_at
    FROM member JOIN person ON person.id = member.user_id`
  return row ?? null
}

/** The person's role, or null: not a member, or no such project any more. */
export const findRole = async (sql: Sql, projectId: string, userId: string): Promise<Role | null> => {
  const [row] = await sql<{ role: Role }[]>`
    SELECT memberships.role FROM memberships JOIN projects ON projects.id = memberships.project_id
    WHERE memberships.project_id = ${projectId} AND memberships.user_id = ${userId} AND projects.deleted_at IS NULL`
  return row?.role ?? null
}

/** How many projects a person owns. */
export const countOwned = async (sql: Sql, userId: string): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`
    SELECT count(*)::int FROM memberships JOIN projects ON projects.id = memberships.project_id
    WHERE memberships.user_id = ${userId} AND memberships.role = 'owner' AND projects.deleted_at IS NULL`
  return row.count
}

/** By the members' ids, from behind `after`. */
export const list = (
  sql: Sql,
  projectId: string,
  page: { after: string | undefined; limit: number },
): Promise<MemberRow[]> => sql`
  SELECT memberships.user_id, users.email, users.name, memberships.role, memberships.created_at
  FROM memberships JOIN users ON users.id = memberships.user_id
  WHERE memberships.project_id = ${projectId}
    ${page.after === undefined ? sql`` : sql`AND memberships.user_id > ${page.after}`}
  ORDER BY memberships.user_id LIMIT ${page.limit}`

/** Whether the person owns the project and nobody else does. True for good only while the project is locked. */
export const isLastOwner = async (sql: Sql, projectId: string, userId: string): Promise<boolean> => {
  const [row] = await sql<[{ last: boolean }]>`
    SELECT array_agg(user_id) = ARRAY[${userId}::uuid] AS last
    FROM memberships WHERE project_id = ${projectId} AND role = 'owner'`
  return row.last === true
}

/** False: was not a member. */
export const remove = async (sql: Sql, projectId: string, userId: string): Promise<boolean> => {
  const rows = await sql`
    DELETE FROM memberships WHERE project_id = ${projectId} AND user_id = ${userId} RETURNING user_id`
  return rows.length === 1
}

/** Takes a person out of the projects that somebody else owns, alone or too. @returns those projects */
export const leaveOwnedByOthers = async (sql: Sql, userId: string): Promise<string[]> => {
  const rows = await sql<{ projectId: string }[]>`
    DELETE FROM memberships AS mine WHERE user_id = ${userId} AND EXISTS (
      SELECT FROM memberships AS other
      WHERE other.project_id = mine.project_id AND other.user_id <> ${userId} AND other.role = 'owner')
    RETURNING project_id`
  return rows.map((row) => row.projectId)
}

/** Takes everybody else out of the projects that a person belongs to. */
export const removeOthers = (sql: Sql, userId: string): Promise<{ projectId: string; userId: string }[]> => sql`
  DELETE FROM memberships WHERE user_id <> ${userId}
    AND project_id IN (SELECT project_id FROM memberships WHERE user_id = ${userId})
  RETURNING project_id, user_id`

/** The projects that the person is a member of. */
export const listProjectIds = async (sql: Sql, userId: string): Promise<string[]> => {
  const rows = await sql<{ projectId: string }[]>`
    SELECT memberships.project_id FROM memberships JOIN projects ON projects.id = memberships.project_id
    WHERE memberships.user_id = ${userId} AND projects.deleted_at IS NULL`
  return rows.map((row) => row.projectId)
}
