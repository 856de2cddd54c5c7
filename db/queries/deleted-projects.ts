import type { Sql } from '../client.ts'
import { orphan } from './orphaned-objects.ts'

/** Projects that were deleted more than this many days ago, from behind an id. */
export const list = async (sql: Sql, days: number, after: string, limit: number): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM projects WHERE deleted_at < now() - ${days} * interval '1 day' AND id > ${after}
    ORDER BY id LIMIT ${limit}`
  return rows.map((row) => row.id)
}

/** Removes files that no job is left for, at most `limit`; their objects become orphans. @returns how many */
export const removeFiles = async (sql: Sql, projectId: string, limit: number): Promise<number> => {
  const rows = await sql`
    WITH removed AS (
      DELETE FROM files WHERE id = ANY (ARRAY (
        SELECT id FROM files
        WHERE project_id = ${projectId}
          AND (job_id IS NULL OR NOT EXISTS (SELECT FROM jobs WHERE jobs.id = files.job_id))
        LIMIT ${limit}
      )) RETURNING object_key
    ), orphaned AS (
      ${orphan(sql)}
    )
    SELECT FROM removed`
  return rows.count
}

/** Removes serial numbers of its device models, at most `limit`. @returns how many */
export const removeSerialNumbers = async (sql: Sql, projectId: string, limit: number): Promise<number> => {
  const rows = await sql`
    DELETE FROM serial_numbers WHERE ctid = ANY (ARRAY (
      SELECT serial_numbers.ctid FROM device_models, LATERAL (
        SELECT ctid FROM serial_numbers WHERE device_model_id = device_models.id LIMIT ${limit}
      ) AS serial_numbers
      WHERE device_models.project_id = ${projectId} LIMIT ${limit}
    ))`
  return rows.count
}

/**
 * Removes a project of which nothing is left but what stands for itself: its schedules, device models and people go
 * with it. @returns whether it is gone
 */
export const remove = async (sql: Sql, projectId: string): Promise<boolean> => {
  const rows = await sql`
    WITH doomed AS MATERIALIZED (
      SELECT id FROM projects
      WHERE id = ${projectId} AND deleted_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM jobs WHERE project_id = projects.id)
        AND NOT EXISTS (SELECT FROM files WHERE project_id = projects.id)
        AND NOT EXISTS (
          SELECT FROM serial_numbers JOIN device_models ON device_models.id = device_model_id
          WHERE device_models.project_id = projects.id
        )
    ), no_schedules AS (
      DELETE FROM schedules USING doomed WHERE project_id = doomed.id
    ), no_models AS (
      DELETE FROM device_models USING doomed WHERE project_id = doomed.id
    )
    DELETE FROM projects USING doomed WHERE projects.id = doomed.id`
  return rows.count === 1
}
