import type { Sql } from '../client.ts'
import { liveOf } from './live-jobs.ts'
import type { Role } from './memberships.ts'

export interface ProjectRow {
  id: string
  name: string
  isPersonal: boolean
  createdAt: Date
  updatedAt: Date
}

/** `personalOf`: the person who gets it at registration; null for every other project. */
export const insert = async (
  sql: Sql,
  project: { id: string; name: string; personalOf: string | null },
): Promise<ProjectRow> => {
  const [row] = await sql<[ProjectRow]>`
    INSERT INTO projects (id, name, personal_of) VALUES (${project.id}, ${project.name}, ${project.personalOf})
    RETURNING id, name, personal_of IS NOT NULL AS is_personal, created_at, updated_at`
  return row
}

export const find = async (sql: Sql, projectId: string): Promise<ProjectRow | null> => {
  const [row] = await sql<ProjectRow[]>`
    SELECT id, name, personal_of IS NOT NULL AS is_personal, created_at, updated_at
    FROM projects WHERE id = ${projectId} AND deleted_at IS NULL`
  return row ?? null
}

/** The project that was made for a person, as long as it is there and the person belongs to it. */
export const findPersonal = async (sql: Sql, userId: string): Promise<string | null> => {
  const [row] = await sql<{ id: string }[]>`
    SELECT projects.id FROM projects
    JOIN memberships ON memberships.project_id = projects.id AND memberships.user_id = ${userId}
    WHERE projects.personal_of = ${userId} AND projects.deleted_at IS NULL`
  return row?.id ?? null
}

/** What a person belongs to, the oldest first, from behind `after`. */
export const listOfUser = (
  sql: Sql,
  userId: string,
  page: { after: string | undefined; limit: number },
): Promise<(ProjectRow & { role: Role })[]> => sql`
  SELECT projects.id, projects.name, projects.personal_of IS NOT NULL AS is_personal, projects.created_at,
    projects.updated_at, memberships.role
  FROM memberships JOIN projects ON projects.id = memberships.project_id
  WHERE memberships.user_id = ${userId} AND projects.deleted_at IS NULL
    ${page.after === undefined ? sql`` : sql`AND projects.id > ${page.after}`}
  ORDER BY projects.id LIMIT ${page.limit}`

export const updateName = async (sql: Sql, projectId: string, name: string): Promise<ProjectRow | null> => {
  const [row] = await sql<ProjectRow[]>`
    UPDATE projects SET name = ${name}, updated_at = now() WHERE id = ${projectId} AND deleted_at IS NULL
    RETURNING id, name, personal_of IS NOT NULL AS is_personal, created_at, updated_at`
  return row ?? null
}

/** Holds the project until the transaction ends: changes to its people wait for each other. False: there is none. */
export const lock = async (sql: Sql, projectId: string): Promise<boolean> => {
  const rows = await sql`SELECT FROM projects WHERE id = ${projectId} AND deleted_at IS NULL FOR NO KEY UPDATE`
  return rows.length === 1
}

/** Holds, in id order, every project that a person belongs to. */
export const lockAllOfUser = async (sql: Sql, userId: string): Promise<void> => {
  await sql`
    SELECT FROM projects WHERE id IN (SELECT project_id FROM memberships WHERE user_id = ${userId})
    ORDER BY id FOR NO KEY UPDATE`
}

/** A project `Personal` that was deleted, or that its person doesn't belong to, is no longer theirs. */
export const releasePersonal = async (sql: Sql, userId: string): Promise<void> => {
  await sql`
    UPDATE projects SET personal_of = NULL WHERE personal_of = ${userId} AND (deleted_at IS NOT NULL OR NOT EXISTS (
      SELECT FROM memberships WHERE memberships.project_id = projects.id AND memberships.user_id = ${userId}))`
}

export const hasLiveJobs = async (sql: Sql, projectId: string): Promise<boolean> => {
  const [row] = await sql<[{ live: boolean }]>`SELECT EXISTS (${liveOf(sql, projectId)}) AS live`
  return row.live
}

export const markDeleted = async (sql: Sql, projectId: string): Promise<void> => {
  await sql`UPDATE projects SET deleted_at = now(), updated_at = now() WHERE id = ${projectId} AND deleted_at IS NULL`
}
