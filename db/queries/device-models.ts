import type { Sql } from '../client.ts'

export interface DeviceModelRow {
  id: string
  projectId: string
  code: string
  name: string
  createdAt: Date
  updatedAt: Date
}

/** @throws PostgresError with the constraint `device_models_project_code_key` when the project has the code */
export const insert = async (
  sql: Sql,
  model: { id: string; projectId: string; code: string; name: string },
): Promise<DeviceModelRow> => {
  const [row] = await sql<[DeviceModelRow]>`
    INSERT INTO device_models (id, project_id, code, name)
    VALUES (${model.id}, ${model.projectId}, ${model.code}, ${model.name})
    RETURNING id, project_id, code, name, created_at, updated_at`
  return row
}

export const findById = async (sql: Sql, modelId: string): Promise<DeviceModelRow | null> => {
  const [row] = await sql<DeviceModelRow[]>`
    SELECT id, project_id, code, name, created_at, updated_at FROM device_models WHERE id = ${modelId}`
  return row ?? null
}

/** A project's models, newest first, older than `before`. */
export const list = (
  sql: Sql,
  projectId: string,
  { before, limit }: { before: string | undefined; limit: number },
): Promise<DeviceModelRow[]> => sql`
  SELECT id, project_id, code, name, created_at, updated_at FROM device_models
  WHERE project_id = ${projectId} ${before ? sql`AND id < ${before}` : sql``}
  ORDER BY id DESC LIMIT ${limit}`

/**
 * Changes what is given of a model that the caller has locked; null leaves it.
 * @throws PostgresError with the constraint `device_models_project_code_key` when the project has the code
 */
export const update = async (
  sql: Sql,
  modelId: string,
  change: { code: string | null; name: string | null },
): Promise<DeviceModelRow> => {
  const [row] = await sql<[DeviceModelRow]>`
    UPDATE device_models
    SET code = coalesce(${change.code}, code), name = coalesce(${change.name}, name), updated_at = now()
    WHERE id = ${modelId}
    RETURNING id, project_id, code, name, created_at, updated_at`
  return row
}

/**
 * @returns whether it was there
 * @throws PostgresError with the constraint `serial_numbers_device_model_id_fkey` when it has serial numbers
 */
export const remove = async (sql: Sql, modelId: string): Promise<boolean> => {
  const result = await sql`DELETE FROM device_models WHERE id = ${modelId}`
  return result.count === 1
}

/** Locks a model against everyone who makes serials for it ({@link lockByCode}). */
export const lock = async (sql: Sql, modelId: string): Promise<DeviceModelRow | null> => {
  const [row] = await sql<DeviceModelRow[]>`
    SELECT id, project_id, code, name, created_at, updated_at FROM device_models WHERE id = ${modelId} FOR UPDATE`
  return row ?? null
}

export const hasSerialNumbers = async (sql: Sql, modelId: string): Promise<boolean> => {
  const [row] = await sql<[{ found: boolean }]>`
    SELECT EXISTS (SELECT FROM serial_numbers WHERE device_model_id = ${modelId}) AS found`
  return row.found
}

/** The id of a project's model with a code, which stays its code until the transaction ends; null if there is none. */
export const lockByCode = async (sql: Sql, projectId: string, code: string): Promise<string | null> => {
  const [row] = await sql<{ id: string }[]>`
    SELECT id FROM device_models WHERE project_id = ${projectId} AND code = ${code} FOR KEY SHARE`
  return row?.id ?? null
}
