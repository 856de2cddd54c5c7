import type { Sql } from '../client.ts'
import type { JobState } from './jobs.ts'
import type { Settled } from './outcomes.ts'

export interface ParentRow {
  id: string
  projectId: string
  state: JobState
}

/**
 * Locks jobs that others shall run after, in id order, and marks them as parents, so that whoever ends them from now
 * on settles their edges.
 */
export const lockParents = (sql: Sql, ids: string[]): Promise<ParentRow[]> => sql`
  WITH parents AS MATERIALIZED (
    SELECT id, project_id, state, has_children FROM jobs WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE
  ), marked AS (
    UPDATE jobs SET has_children = true FROM parents
    WHERE jobs.id = parents.id AND NOT parents.has_children
  )
  SELECT id, project_id, state FROM parents`

/** Locks the parents of jobs, in id order. */
export const lockParentsOf = async (sql: Sql, childIds: string[]): Promise<void> => {
  await sql`
    SELECT FROM jobs WHERE id IN (SELECT parent_id FROM job_dependencies WHERE child_id = ANY (${childIds}::uuid[]))
    ORDER BY id FOR NO KEY UPDATE`
}

/** Inserts edges. Those to parents that have ended are open too: {@link settle} is called for them next. */
export const insert = async (sql: Sql, edges: { childId: string; parentId: string }[]): Promise<void> => {
  await sql`
    INSERT INTO job_dependencies (child_id, parent_id)
    SELECT child_id, parent_id FROM unnest(
      ${edges.map((it) => it.childId)}::uuid[],
      ${edges.map((it) => it.parentId)}::uuid[]
    ) AS given (child_id, parent_id)
    ON CONFLICT DO NOTHING`
}

/**
 * Written so that no plan finds these jobs by the index of blocked ones. It has few rows, or none, when statistics are
 * taken, and then a batch of thousands comes: each of a parent's children would be looked for among all of them.
 */
const isBlocked = (sql: Sql, table: 'jobs' | 'child') => sql`${sql(table)}.state || '' = 'blocked'`

/** The parents that have `ended`, and what of those that did not succeed is `reached`: the blocked jobs that fall with them. */
const whoFall = (sql: Sql, parentIds: string[]) => sql`
  ended AS MATERIALIZED (
    SELECT id, state <> 'succeeded' AS failed FROM jobs
    WHERE id = ANY (${parentIds}::uuid[]) AND state IN ('succeeded', 'failed', 'cancelled')
  ), reached (id, has_children) AS (
    SELECT id, false FROM ended WHERE failed
    UNION
    SELECT child.id, child.has_children FROM reached
    JOIN job_dependencies AS edge ON edge.parent_id = reached.id AND edge.settled_at IS NULL
    JOIN jobs AS child ON child.id = edge.child_id AND ${isBlocked(sql, 'child')} AND child.on_parent_failure <> 'run'
  )`

/**
 * Locks those that {@link settle} ends with parents that did not succeed, if others run after them. Before it, so that it
 * sees what was committed until then: who begins one of those others anew holds the job before it, and is blocked again.
 * @returns which
 */
export const lockFalling = async (sql: Sql, parentIds: string[]): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    WITH RECURSIVE ${whoFall(sql, parentIds)}
    SELECT id FROM jobs WHERE id = ANY (ARRAY (SELECT id FROM reached WHERE has_children)) AND ${isBlocked(sql, 'jobs')}
    ORDER BY id FOR UPDATE`
  return rows.map((row) => row.id)
}

/**
 * Counts the end of parents at their children: each open edge once. A child whose last parent ended becomes queued;
 * one of whose parents failed or was cancelled ends as its `on_parent_failure` says, and with it those that run after
 * it, down to the last: a chain of thousands in one statement. Must run in the transaction that ended the parents, as a
 * statement after it, so that it sees every edge that was committed before their lock.
 * @returns the jobs that changed their state
 */
export const settle = (sql: Sql, parentIds: string[]): Promise<Settled[]> => sql`
  WITH RECURSIVE ${whoFall(sql, parentIds)}, falling AS MATERIALIZED (
    SELECT jobs.id FROM reached JOIN jobs ON jobs.id = reached.id
    WHERE ${isBlocked(sql, 'jobs')} ORDER BY jobs.id FOR UPDATE OF jobs
  ), edges AS (
    UPDATE job_dependencies SET settled_at = now()
    FROM (SELECT id, failed FROM ended UNION ALL SELECT id, true FROM falling) AS parents
    WHERE job_dependencies.parent_id = parents.id AND settled_at IS NULL
    RETURNING child_id, failed
  ), counts AS (
    SELECT child_id, count(*)::integer AS settled, bool_or(failed) AS failed FROM edges GROUP BY child_id
  ), children AS MATERIALIZED (
    SELECT jobs.id, counts.settled, counts.failed FROM counts JOIN jobs ON jobs.id = counts.child_id
    WHERE ${isBlocked(sql, 'jobs')} ORDER BY jobs.id FOR UPDATE OF jobs
  ), changed AS (
    UPDATE jobs SET
      waits_for = greatest(0, waits_for - children.settled),
      state = CASE
        WHEN children.failed AND on_parent_failure = 'fail' THEN 'failed'
        WHEN children.failed AND on_parent_failure = 'skip' THEN 'cancelled'
        WHEN waits_for <= children.settled THEN 'queued'
        ELSE 'blocked'
      END,
      error = CASE WHEN children.failed AND on_parent_failure IN ('fail', 'skip')
        THEN jsonb_build_object('code', 'PARENT_FAILED', 'message', 'a job that it runs after did not succeed') END,
      finished_at = CASE WHEN children.failed AND on_parent_failure IN ('fail', 'skip') THEN now() END,
      start_at = greatest(start_at, now()),
      event_seq = event_seq + CASE
        WHEN children.failed AND on_parent_failure IN ('fail', 'skip') OR waits_for <= children.settled THEN 1 ELSE 0 END
    FROM children WHERE jobs.id = children.id
    RETURNING jobs.id, project_id, kind, queue, state, name, attempt, event_seq, start_at, error, has_children,
              false AS limited
  ), told AS (
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq, 'job.' || state, jsonb_strip_nulls(jsonb_build_object(
      'kind', kind, 'queue', queue, 'name', name, 'attempt', attempt, 'startAt', CASE state WHEN 'queued' THEN start_at END, 'error', error))
    FROM changed WHERE state <> 'blocked'
    -- Who came free did so after those that ended.
    ORDER BY state = 'queued'
  )
  SELECT id, project_id, kind, queue, state, has_children, limited,
         greatest(0, extract(epoch FROM start_at - now()) * 1000)::bigint AS delay_ms
  FROM changed WHERE state <> 'blocked'`

/**
 * Opens the edges again between jobs that begin anew and children that still wait for others: they wait for these again.
 * The jobs are locked by now.
 */
export const reopen = async (sql: Sql, parentIds: string[]): Promise<void> => {
  await sql`
    WITH children AS MATERIALIZED (
      SELECT id FROM jobs
      WHERE ${isBlocked(sql, 'jobs')}
        AND id IN (SELECT child_id FROM job_dependencies WHERE parent_id = ANY (${parentIds}::uuid[]))
      ORDER BY id FOR UPDATE
    ), reopened AS (
      UPDATE job_dependencies SET settled_at = NULL FROM children
      WHERE child_id = children.id AND parent_id = ANY (${parentIds}::uuid[]) AND settled_at IS NOT NULL
      RETURNING child_id
    ), counts AS (
      SELECT child_id, count(*)::integer AS reopened FROM reopened GROUP BY child_id
    )
    UPDATE jobs SET waits_for = waits_for + counts.reopened FROM counts WHERE jobs.id = counts.child_id`
}

export interface ParentResult {
  jobId: string
  name: string | null
  kind: string
  state: JobState
  /** Null when it didn't succeed, and past `maxBytes` of results. */
  result: unknown
}

/**
 * What a job's parents gave, in the order of their ids; results only up to `maxBytes` of JSON in all. Their size as they
 * are stored, compressed, is a hundredth of that at times: it only tells from where on none needs to be written out.
 */
export const listResults = (sql: Sql, childId: string, maxBytes: number): Promise<ParentResult[]> => sql`
  SELECT id AS job_id, name, kind, state, CASE WHEN sum(bytes) OVER (ORDER BY id) <= ${maxBytes} THEN result END AS result
  FROM (
    SELECT id, name, kind, state, result, CASE
        WHEN sum(pg_column_size(result)) OVER (ORDER BY id) > ${maxBytes} THEN ${maxBytes + 1}
        ELSE octet_length(result::text)
      END AS bytes
    FROM job_dependencies JOIN jobs ON jobs.id = job_dependencies.parent_id
    WHERE child_id = ${childId}
  ) AS parents
  ORDER BY id`
