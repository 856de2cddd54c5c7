import type { Fragment } from 'postgres'
import type { Sql } from '../client.ts'
import { liveOf } from './live-jobs.ts'
import { orphan } from './orphaned-objects.ts'
import { inputs } from './schedules.ts'

export interface FileRow {
  id: string
  projectId: string
  createdBy: string | null
  jobId: string | null
  objectKey: string
  name: string
  contentType: string
  /** Null until a presigned upload has arrived. */
  sizeBytes: number | null
  createdAt: Date
}

export interface NewFile {
  id: string
  projectId: string
  objectKey: string
  name: string
  contentType: string
  sizeBytes: number | null
  /** What a presigned upload may have. */
  announcedBytes?: number
  createdBy?: string
  /** The job and the stint that made it. */
  madeBy?: { jobId: string; stint: number }
}

/** What a file counts as at the least: many small ones take room too, in the bucket and in the database. */
const MIN_BYTES = 16 * 1024

/**
 * Inserts the row of an object, and takes away the note that it was pending.
 * @returns null if the project's files, with this one, would have more than `maxProjectBytes`. Of several at the same moment
 * none sees the others.
 */
export const insert = async (sql: Sql, file: NewFile, maxProjectBytes: number): Promise<FileRow | null> => {
  const bytes = Math.max(file.sizeBytes ?? file.announcedBytes ?? 0, MIN_BYTES)
  const [row] = await sql<FileRow[]>`
    WITH inserted AS (
      INSERT INTO files (id, project_id, created_by, job_id, stint, object_key, name, content_type, size_bytes,
        announced_bytes)
      SELECT ${file.id}, ${file.projectId}, ${file.createdBy ?? null}, ${file.madeBy?.jobId ?? null},
        ${file.madeBy?.stint ?? null}, ${file.objectKey}, ${file.name}, ${file.contentType}, ${file.sizeBytes},
        ${file.announcedBytes ?? null}
      WHERE ${bytes} + (
        SELECT coalesce(sum(greatest(coalesce(size_bytes, announced_bytes), ${MIN_BYTES})), 0)
        FROM files WHERE project_id = ${file.projectId}
      ) <= ${maxProjectBytes}
      RETURNING id, project_id, created_by, job_id, object_key, name, content_type, size_bytes, created_at
    ), settled AS (
      DELETE FROM pending_objects USING inserted WHERE pending_objects.object_key = inserted.object_key
    )
    SELECT * FROM inserted`
  return row ?? null
}

export const findById = async (sql: Sql, fileId: string): Promise<FileRow | null> => {
  const [row] = await sql<FileRow[]>`
    SELECT id, project_id, created_by, job_id, object_key, name, content_type, size_bytes, created_at
    FROM files WHERE id = ${fileId}`
  return row ?? null
}

/** A project's files, newest first, older than `before`. */
export const list = (
  sql: Sql,
  projectId: string,
  { before, limit }: { before: string | undefined; limit: number },
): Promise<FileRow[]> => sql`
  SELECT id, project_id, created_by, job_id, object_key, name, content_type, size_bytes, created_at
  FROM files WHERE project_id = ${projectId} ${before ? sql`AND id < ${before}` : sql``}
  ORDER BY id DESC LIMIT ${limit}`

/** Takes note that an upload has arrived. */
export const markArrived = async (sql: Sql, fileId: string, sizeBytes: number): Promise<void> => {
  await sql`UPDATE files SET size_bytes = ${sizeBytes} WHERE id = ${fileId} AND size_bytes IS NULL`
}

/** The files that a job's `input` names: as `fileId`, as `model`, or among its `attachments`. Kinds do it in no other way. */
export const namedByInput = (sql: Sql) => sql`
  LATERAL (
    SELECT input->>'fileId' AS file_id
    UNION ALL SELECT input->>'model' WHERE input ? 'model'
    UNION ALL SELECT jsonb_array_elements_text(input->'attachments') WHERE jsonb_typeof(input->'attachments') = 'array'
  ) AS named`

/** Whether a job of the project that hasn't ended, or one of its schedules, names the file in its input. */
const isNeeded = (sql: Sql, projectId: string | Fragment, fileId: string | Fragment) => sql`
  EXISTS (
    SELECT FROM (
      ${liveOf(sql, projectId)}
      UNION ALL
      SELECT input FROM ${inputs(sql)} WHERE project_id = ${projectId}
    ) AS given, ${namedByInput(sql)} WHERE file_id = ${fileId}
  )`

/** Whether a job that hasn't ended, or a schedule, needs it. */
export const isInUse = async (sql: Sql, file: { id: string; projectId: string }): Promise<boolean> => {
  const [row] = await sql<[{ inUse: boolean }]>`
    SELECT ${isNeeded(sql, file.projectId, file.id)} AS in_use`
  return row.inUse
}

/**
 * Removes a file whose object is gone. One that is younger than `announcedSeconds` may be sent once more, to the URL that it
 * was announced with: its object becomes an orphan in `againSeconds`.
 * @returns whether it was still there
 */
export const remove = async (
  sql: Sql,
  fileId: string,
  { announcedSeconds, againSeconds }: { announcedSeconds: number; againSeconds: number },
): Promise<boolean> => {
  const rows = await sql`
    WITH removed AS (
      DELETE FROM files WHERE id = ${fileId} RETURNING object_key, created_at
    ), orphaned AS (
      INSERT INTO orphaned_objects (object_key, orphaned_at)
      SELECT object_key, now() + ${againSeconds} * interval '1 second' FROM removed
      WHERE created_at > now() - ${announcedSeconds} * interval '1 second'
      ON CONFLICT DO NOTHING
    )
    SELECT FROM removed`
  return rows.length === 1
}

/** Removes files that a job made; those of others stay. Their objects become orphans. */
export const removeMadeBy = async (sql: Sql, jobId: string, fileIds: string[]): Promise<void> => {
  await sql`
    WITH removed AS (
      DELETE FROM files WHERE job_id = ${jobId} AND id = ANY(${fileIds}::uuid[]) RETURNING object_key
    )
    ${orphan(sql)}`
}

/**
 * Removes what a stint before `stint` wrote under the same name and neither checkpoint nor partial result knows of: it
 * died before its safe point, and the file is made once more. One that a live job or a schedule was given stays.
 */
export const removeLost = async (
  sql: Sql,
  { jobId, stint, name }: { jobId: string; stint: number; name: string },
): Promise<void> => {
  await sql`
    WITH removed AS (
      DELETE FROM files
      WHERE job_id = ${jobId} AND stint < ${stint} AND name = ${name}
        AND NOT EXISTS (
          SELECT FROM jobs
          WHERE jobs.id = ${jobId} AND position(files.id::text IN concat(jobs.checkpoint, jobs.partial)) > 0
        )
        AND NOT ${isNeeded(sql, sql`files.project_id`, sql`files.id::text`)}
      RETURNING object_key
    )
    ${orphan(sql)}`
}
