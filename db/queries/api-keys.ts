import type { Sql } from '../client.ts'

export interface ApiKeyRow {
  id: string
  projectId: string
  createdBy: string
  name: string
  hint: string
  scopes: string[]
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
}

export interface NewApiKey {
  id: string
  projectId: string
  createdBy: string
  name: string
  secretHash: Buffer
  hint: string
  scopes: readonly string[]
  /** Null: it doesn't expire. */
  expiresInSeconds: number | null
}

export const insert = async (sql: Sql, key: NewApiKey): Promise<ApiKeyRow> => {
  const [row] = await sql<[ApiKeyRow]>`
    INSERT INTO api_keys (id, project_id, created_by, name, secret_hash, hint, scopes, expires_at)
    VALUES (
      ${key.id}, ${key.projectId}, ${key.createdBy}, ${key.name}, ${key.secretHash}, ${key.hint}, ${[...key.scopes]},
      now() + ${key.expiresInSeconds}::bigint * interval '1 second'
    )
    RETURNING id, project_id, created_by, name, hint, scopes, created_at, expires_at, last_used_at`
  return row
}

export interface PresentedKey {
  id: string
  projectId: string
  createdBy: string
  scopes: string[]
  /** Null: it doesn't expire. */
  validMs: number | null
}

/** The key with this secret, unless it has expired. */
export const findBySecret = async (sql: Sql, secretHash: Buffer): Promise<PresentedKey | null> => {
  const [row] = await sql<PresentedKey[]>`
    SELECT id, project_id, created_by, scopes,
      (extract(epoch FROM expires_at - now()) * 1000)::double precision AS valid_ms
    FROM api_keys WHERE secret_hash = ${secretHash} AND (expires_at IS NULL OR expires_at > now())`
  return row ?? null
}

/** A project's keys, newest first, older than `before`. */
export const list = (
  sql: Sql,
  projectId: string,
  { before, limit }: { before: string | undefined; limit: number },
): Promise<ApiKeyRow[]> => sql`
  SELECT id, project_id, created_by, name, hint, scopes, created_at, expires_at, last_used_at
  FROM api_keys WHERE project_id = ${projectId} ${before ? sql`AND id < ${before}` : sql``}
  ORDER BY id DESC LIMIT ${limit}`

/** Takes a key away for good. @returns its name, or null when the project has no such key */
export const remove = async (sql: Sql, projectId: string, keyId: string): Promise<string | null> => {
  const [row] = await sql<{ name: string }[]>`
    DELETE FROM api_keys WHERE id = ${keyId} AND project_id = ${projectId} RETURNING name`
  return row?.name ?? null
}

/** Takes away the keys that a person made in a project. */
export const removeOf = (
  sql: Sql,
  { projectId, userId }: { projectId: string; userId: string },
): Promise<{ id: string; projectId: string; name: string }[]> => sql`
  DELETE FROM api_keys WHERE project_id = ${projectId} AND created_by = ${userId} RETURNING id, project_id, name`

/** Takes away the keys that a person made, and all keys of the projects that they belong to. */
export const removeAround = (
  sql: Sql,
  userId: string,
): Promise<{ id: string; projectId: string; name: string }[]> => sql`
  DELETE FROM api_keys WHERE created_by = ${userId}
    OR project_id IN (SELECT project_id FROM memberships WHERE user_id = ${userId})
  RETURNING id, project_id, name`

/** Notes that keys were used just now. Those of which that was noted within the last minute stay as they are. */
export const markUsed = async (sql: Sql, ids: string[]): Promise<void> => {
  await sql`
    WITH used AS (
      SELECT id FROM api_keys
      WHERE id = ANY (${ids}::uuid[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
      ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE api_keys SET last_used_at = now() FROM used WHERE api_keys.id = used.id`
}
