import type { Sql } from '../client.ts'

/** A safe point to save. Fields that are left out stay as they are. */
export interface SavedPoint {
  id: string
  stint: number
  progress?: number
  /** JSON texts. */
  partial?: string
  checkpoint?: string
  checkpointVersion?: number
}

/**
 * Saves safe points and writes their `job.progressed` events. It touches no indexed column, so the rows stay HOT.
 * @returns the ids that were saved; a missing one was fenced off
 */
export const save = async (sql: Sql, points: SavedPoint[]): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    WITH given AS (
      SELECT * FROM unnest(
        ${points.map((it) => it.id)}::uuid[],
        ${points.map((it) => it.stint)}::integer[],
        ${points.map((it) => it.progress ?? null)}::real[],
        ${points.map((it) => it.partial ?? null)}::text[],
        ${points.map((it) => it.checkpoint ?? null)}::text[],
        ${points.map((it) => it.checkpointVersion ?? null)}::smallint[]
      ) AS given (id, stint, progress, partial, checkpoint, checkpoint_version)
    ), held AS MATERIALIZED (
      SELECT id, stint, state FROM jobs WHERE id = ANY (${points.map((it) => it.id)}::uuid[]) ORDER BY id
      FOR NO KEY UPDATE
    ), saved AS (
      UPDATE jobs SET
        progress = coalesce(given.progress, jobs.progress),
        partial = coalesce(given.partial::jsonb, jobs.partial),
        checkpoint = coalesce(given.checkpoint::jsonb, jobs.checkpoint),
        checkpoint_version = coalesce(given.checkpoint_version, jobs.checkpoint_version),
        crashes = CASE WHEN given.checkpoint IS NULL THEN jobs.crashes ELSE 0 END,
        event_seq = event_seq + 1
      FROM held JOIN given USING (id, stint) WHERE jobs.id = held.id AND held.state = 'running'
      RETURNING jobs.id, project_id, event_seq, jobs.stint, jobs.progress
    ), told AS (
      INSERT INTO events (job_id, project_id, seq, type, data)
      SELECT id, project_id, event_seq, 'job.progressed', jsonb_build_object('stint', stint, 'progress', progress)
      FROM saved
    )
    SELECT id FROM saved`
  return rows.map((row) => row.id)
}
