import type { Sql } from '../client.ts'
import type { JobRow, JobState } from './jobs.ts'

export interface JobFilter {
  projectIds: string[]
  state?: JobState | undefined
  kind?: string | undefined
  queue?: string | undefined
  tag?: string | undefined
  /** RFC 3339: queued then or later, and queued before. */
  queuedAfter?: string | undefined
  queuedBefore?: string | undefined
  /** The same as bounds of ids, for the index; they may be wider. */
  idFrom?: string | undefined
  idTo?: string | undefined
  /** Only jobs older than this id. */
  before?: string | undefined
}

/** The newest jobs of some projects, without input, partial and result; at most `limit`. */
export const list = (sql: Sql, filter: JobFilter, limit: number): Promise<JobRow[]> => sql`
  SELECT jobs.* FROM unnest(${filter.projectIds}::uuid[]) AS member (project_id), LATERAL (
    SELECT ${shown(sql)} FROM jobs WHERE ${matches(sql, filter)} ORDER BY id DESC LIMIT ${limit}
  ) AS jobs
  ORDER BY id DESC LIMIT ${limit}`

/** Jobs of which an index can't tell whether they hold a text: so many of them are looked through at once. */
const MAX_SCANNED = 5_000

export interface Found {
  ids: string[]
  /** The last job that was looked through; null when there is none after it. */
  scannedTo: string | null
}

/** Looks for a text in the inputs of the newest jobs: of the first `limit` that hold it, or as far as one go takes. */
export const searchInputs = async (sql: Sql, filter: JobFilter, text: string, limit: number): Promise<Found> => {
  const [row] = await sql<[Found]>`
    WITH scanned AS MATERIALIZED (
      SELECT jobs.id, strpos(lower(jobs.input::text), lower(${text})) > 0 AS holds_it
      FROM unnest(${filter.projectIds}::uuid[]) AS member (project_id), LATERAL (
        SELECT id, input FROM jobs WHERE ${matches(sql, filter)} ORDER BY id DESC LIMIT ${MAX_SCANNED}
      ) AS jobs
      ORDER BY jobs.id DESC LIMIT ${MAX_SCANNED}
    )
    SELECT coalesce((SELECT array_agg(id) FROM (
             SELECT id FROM scanned WHERE holds_it ORDER BY id DESC LIMIT ${limit}) AS found), '{}') AS ids,
           CASE WHEN (SELECT count(*) FROM scanned) = ${MAX_SCANNED}
             THEN (SELECT id FROM scanned ORDER BY id LIMIT 1) END AS scanned_to`
  return row
}

/** These jobs, newest first, without input, partial and result. */
export const listByIds = (sql: Sql, ids: string[]): Promise<JobRow[]> => sql`
  SELECT ${shown(sql)} FROM jobs WHERE id = ANY (${ids}::uuid[]) ORDER BY id DESC`

/** To which projects jobs belong. */
export const listProjects = (sql: Sql, ids: string[]): Promise<{ id: string; projectId: string }[]> => sql`
  SELECT id, project_id FROM jobs WHERE id = ANY (${ids}::uuid[])`

const shown = (sql: Sql) => sql`
  id, project_id, kind, queue, name, state, priority, tags, progress, attempt, max_attempts, stint, crashes,
  timeout_seconds, run_ms, queued_at, start_at, started_at, finished_at, cancel_requested_at, cancel_acknowledged_at, error`

const matches = (sql: Sql, filter: JobFilter) => sql`
  jobs.project_id = member.project_id
  ${filter.before ? sql`AND id < ${filter.before}` : sql``}
  ${filter.idFrom ? sql`AND id >= ${filter.idFrom}` : sql``}
  ${filter.idTo ? sql`AND id < ${filter.idTo}` : sql``}
  ${filter.queuedAfter ? sql`AND queued_at >= ${filter.queuedAfter}` : sql``}
  ${filter.queuedBefore ? sql`AND queued_at < ${filter.queuedBefore}` : sql``}
  ${filter.state ? sql`AND state = ${filter.state}` : sql``}
  ${filter.kind ? sql`AND kind = ${filter.kind}` : sql``}
  ${filter.queue ? sql`AND queue = ${filter.queue}` : sql``}
  ${filter.tag ? sql`AND tags @> ARRAY[${filter.tag}::text]` : sql``}`
