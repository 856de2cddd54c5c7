import type postgres from 'postgres'
import type { Sql } from '../client.ts'
import type { JobState } from './jobs.ts'
import type { Settled } from './outcomes.ts'

export interface ParentRow {
  id: string
  projectId: string
  state: JobState
}

/**
 * Locks the parents of new jobs, in id order, and marks them as parents, so that whoever ends them from now on settles their
 * edges.
 */
export const lockParents = (sql: Sql, ids: string[]): Promise<ParentRow[]> => sql`
  WITH parents AS MATERIALIZED (
    SELECT id, project_id, state, has_children FROM jobs WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE
  ), marked AS (
    UPDATE jobs SET has_children = true FROM parents
    WHERE jobs.id = parents.id AND NOT parents.has_children
  )
  SELECT id, project_id, state FROM parents`

/** Inserts edges, also open ones to parents that have ended: {@link settle} is called for these next. */
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

/** The parents that have `ended`. */
const whoEnded = (sql: Sql, parentIds: string[]) => sql`
  ended AS MATERIALIZED (
    SELECT id, state <> 'succeeded' AS failed FROM jobs
    WHERE id = ANY (${parentIds}::uuid[]) AND state IN ('succeeded', 'failed', 'cancelled')
  )`

/** Open edges from one of `parents`, at most this many: the `ctid` and the `child_id` of each. */
const openEdgesOf = (sql: Sql, parents: 'reached' | 'parents', most: number) => sql`
  -- In the order of an index, so that it reads no other edges, however many children the planner expects.
  SELECT ctid, child_id FROM job_dependencies
  WHERE parent_id = ${sql(parents)}.id AND settled_at IS NULL ORDER BY child_id LIMIT ${most}`

/**
 * The most edges of one job that are followed on the way down: where each of a thousand jobs runs after each of a thousand
 * others, and so on, there are millions. Jobs that are left out by this fall later, as children of those before them.
 */
const MAX_WIDTH = 20

/**
 * Locks the jobs that fall with parents that did not succeed, if they have children themselves. The edges to these children
 * can't change after that, since whoever retries a child locks its parents first.
 * @param most the most jobs to look for, beginning with the nearest
 * @returns the ids that it locked
 */
export const lockFalling = async (sql: Sql, parentIds: string[], most: number): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    WITH RECURSIVE ${whoEnded(sql, parentIds)}, reached (id, has_children) AS (
      SELECT id, false FROM ended WHERE failed
      UNION
      SELECT child.id, child.has_children FROM reached, LATERAL (${openEdgesOf(sql, 'reached', MAX_WIDTH)}) AS edge, LATERAL (
        SELECT id, has_children FROM jobs AS child
        WHERE id = edge.child_id AND ${isBlocked(sql, 'child')} AND on_parent_failure <> 'run' LIMIT 1
      ) AS child
    )
    SELECT id FROM jobs
    WHERE id = ANY (ARRAY (
        SELECT id FROM (SELECT id, has_children FROM reached LIMIT ${most + parentIds.length}) AS first WHERE has_children
      )) AND ${isBlocked(sql, 'jobs')}
    ORDER BY id FOR UPDATE`
  return rows.map((row) => row.id)
}

/** What {@link settle} did. */
export interface Counted {
  /** The jobs that changed their state. */
  changed: Settled[]
  /** How many edges it settled. */
  edges: number
}

/**
 * Counts the end of parents at their children, each open edge once. A child whose last parent has ended becomes queued; a
 * child of a failed or cancelled parent ends as its `on_parent_failure` says. `falling` are children that end and have
 * children themselves, all the way down, so that a chain of thousands is one statement. It must run in the transaction that
 * ended the parents and locked the falling ones, as a statement after both, so that it sees every edge committed before.
 *
 * Rows are found by arrays, of which the planner expects ten elements: a join, planned while a few parents have nearly all
 * edges, would read all edges there are, or thousands for each of thousands.
 * @param most the most edges to count
 */
export const settle = async (sql: Sql, parentIds: string[], falling: string[], most: number): Promise<Counted> => {
  const rows = await sql<(Omit<Settled, 'id'> & { id: string | null; edges: number })[]>`
    WITH ${whoEnded(sql, parentIds)}, parents AS MATERIALIZED (
      SELECT id, failed FROM ended UNION ALL SELECT id, true FROM unnest(${falling}::uuid[]) AS falling (id)
    ), open AS MATERIALIZED (
      SELECT edge.ctid, child_id, failed, parents.id AS parent_id FROM parents, LATERAL (${openEdgesOf(sql, 'parents', most)}) AS edge LIMIT ${most}
    ), edges AS (
      UPDATE job_dependencies SET settled_at = now() WHERE ctid = ANY (ARRAY (SELECT ctid FROM open))
    ), counts AS MATERIALIZED (
      SELECT child_id, sum(edges)::integer AS settled, bool_or(failed) AS failed,
             min(parent_id::text) FILTER (WHERE failed) AS failed_parent
      FROM (
        SELECT child_id, 1 AS edges, failed, parent_id FROM open
        UNION ALL
        SELECT id, 0, true, NULL FROM unnest(${falling}::uuid[]) AS falling (id)
      ) AS ends GROUP BY child_id
    ), children AS MATERIALIZED (
      SELECT jobs.id, given.settled, given.failed, given.failed_parent FROM unnest(
          ARRAY (SELECT child_id FROM counts), ARRAY (SELECT settled FROM counts), ARRAY (SELECT failed FROM counts),
          ARRAY (SELECT failed_parent FROM counts)
        ) AS given (child_id, settled, failed, failed_parent)
        JOIN jobs ON jobs.id = given.child_id
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
          -- The edge to it may be among those that were too many for one statement.
          THEN jsonb_build_object('code', 'PARENT_FAILED', 'message', format(
            '%s that it runs after did not succeed', coalesce('the job ' || children.failed_parent, 'a job'))) END,
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
      -- Jobs come free after the end of those that they waited for.
      ORDER BY state = 'queued'
    )
    SELECT (SELECT count(*)::integer FROM open) AS edges, changed.id, project_id, kind, queue, state, has_children, limited,
           greatest(0, extract(epoch FROM start_at - now()) * 1000)::bigint AS delay_ms
    FROM (SELECT) AS one LEFT JOIN changed ON state <> 'blocked'`
  return {
    changed: rows.flatMap(({ edges, ...job }) => (job.id === null ? [] : [job as Settled])),
    edges: rows[0]?.edges ?? 0,
  }
}

const hasOpenEdge = (sql: Sql) => sql`
  EXISTS (SELECT FROM job_dependencies WHERE parent_id = job_id AND settled_at IS NULL)`

/** Notes those of the jobs that have open edges to children, at which their end is still to be counted. */
export const noteUncounted = async (sql: Sql, parentIds: string[]): Promise<void> => {
  await sql`
    INSERT INTO uncounted_parents (job_id)
    SELECT job_id FROM unnest(${parentIds}::uuid[]) AS given (job_id) WHERE ${hasOpenEdge(sql)} ORDER BY job_id
    ON CONFLICT DO NOTHING`
}

/** Whether a row of `uncounted_parents` is left to the sweep, and to no retry that opens its edges again. */
export const isLeft = (sql: Sql) => sql`(not_before IS NULL OR not_before <= now())`

/** Locks jobs that were noted, the oldest first; those that somebody else holds are left out. */
export const lockUncounted = (
  sql: Sql,
  limit: number,
): Promise<{ id: string; state: JobState; hasChildren: boolean }[]> => sql`
  SELECT id, state, has_children FROM jobs
  WHERE id = ANY (ARRAY (SELECT job_id FROM uncounted_parents WHERE ${isLeft(sql)} ORDER BY job_id LIMIT ${limit}))
  ORDER BY id FOR UPDATE SKIP LOCKED`

/** Forgets those of the locked jobs whose end has been counted at all of their children, or that were retried. */
export const forgetCounted = async (sql: Sql, parentIds: string[]): Promise<void> => {
  await sql`
    DELETE FROM uncounted_parents USING jobs
    WHERE job_id = ANY (${parentIds}::uuid[]) AND jobs.id = job_id
      AND (jobs.state NOT IN ('succeeded', 'failed', 'cancelled') OR NOT ${hasOpenEdge(sql)})`
}

/** Children of the `parents` that still wait for others, and to which edges of these are settled. */
const waitingChildren = (sql: Sql, parents: postgres.PendingQuery<postgres.Row[]>) => sql`
  SELECT child.id FROM job_dependencies AS edge, LATERAL (
    SELECT id FROM jobs AS child WHERE id = edge.child_id AND ${isBlocked(sql, 'child')} LIMIT 1
  ) AS child
  WHERE parent_id = ANY (${parents}) AND settled_at IS NOT NULL`

/** Locks those of the children that still wait, opens the edges to them again, and has them wait for these parents. */
const openAgain = (sql: Sql, parentIds: string[], children: postgres.PendingQuery<postgres.Row[]>) => sql`
  children AS MATERIALIZED (
    -- Each is looked up by its id: with a join, once a parent has very many children, all jobs would be read.
    SELECT id FROM jobs WHERE id = ANY (${children}) AND ${isBlocked(sql, 'jobs')} ORDER BY id FOR UPDATE
  ), reopened AS (
    UPDATE job_dependencies SET settled_at = NULL FROM children
    WHERE child_id = children.id AND parent_id = ANY (${parentIds}::uuid[]) AND settled_at IS NOT NULL
    RETURNING child_id
  ), counts AS (
    SELECT child_id, count(*)::integer AS reopened FROM reopened GROUP BY child_id
  )
  UPDATE jobs SET waits_for = waits_for + counts.reopened FROM counts WHERE jobs.id = counts.child_id`

/**
 * Opens the edges again between jobs that are retried and children that still wait for others: these wait for them again.
 * The jobs are locked already.
 */
export const reopen = async (sql: Sql, parentIds: string[]): Promise<void> => {
  await sql`
    WITH noted AS (
      DELETE FROM uncounted_parents WHERE job_id = ANY (${parentIds}::uuid[])
    ), ${openAgain(sql, parentIds, sql`ARRAY (${waitingChildren(sql, sql`${parentIds}::uuid[]`)})`)}`
}

/** The children to which {@link reopen} would open the edges, if these of the jobs that failed or were cancelled are retried. */
export const listToReopen = async (sql: Sql, parentIds: string[]): Promise<string[]> => {
  const retried = sql`ARRAY (
    SELECT id FROM jobs WHERE id = ANY (${parentIds}::uuid[]) AND has_children AND state IN ('failed', 'cancelled')
  )`
  const rows = await sql<{ id: string }[]>`${waitingChildren(sql, retried)}`
  return [...new Set(rows.map((row) => row.id))]
}

/**
 * Opens the edges of locked jobs to a part of their children ahead of their retry. Until that, they are noted as jobs whose
 * ends are not counted; if it does not come within this many seconds, their ends are counted at these children once more.
 */
export const reopenPart = async (
  sql: Sql,
  parentIds: string[],
  childIds: string[],
  withinSeconds: number,
): Promise<void> => {
  await sql`
    WITH noted AS (
      INSERT INTO uncounted_parents (job_id, not_before)
      SELECT job_id, now() + ${withinSeconds} * interval '1 second' FROM unnest(${parentIds}::uuid[]) AS given (job_id)
      ORDER BY job_id
      ON CONFLICT (job_id) DO UPDATE SET not_before = excluded.not_before
    ), ${openAgain(sql, parentIds, sql`${childIds}::uuid[]`)}`
}

export interface ParentResult {
  jobId: string
  name: string | null
  kind: string
  state: JobState
  /** Null when it didn't succeed, and past `maxBytes` of results. */
  result: unknown
  /** Of the result, as JSON; null if it is past `maxBytes`. */
  bytes: number | null
}

/**
 * The parents of a job, in the order of their ids, with results up to `maxBytes` of JSON in all. The stored size is compressed,
 * sometimes a hundredfold, so it only serves to skip results that are certainly beyond.
 */
export const listResults = (sql: Sql, childId: string, maxBytes: number): Promise<ParentResult[]> => sql`
  SELECT id AS job_id, name, kind, state, CASE WHEN fits THEN result END AS result, CASE WHEN fits THEN bytes END AS bytes
  FROM (
    SELECT id, name, kind, state, result, bytes, bytes = 0 OR sum(bytes) OVER (ORDER BY id) <= ${maxBytes} AS fits
    FROM (
      SELECT id, name, kind, state, result, CASE
          WHEN result IS NULL THEN 0
          WHEN sum(pg_column_size(result)) OVER (ORDER BY id) > ${maxBytes} THEN ${maxBytes + 1}
          ELSE octet_length(result::text)
        END::integer AS bytes
      FROM job_dependencies JOIN jobs ON jobs.id = job_dependencies.parent_id
      WHERE child_id = ${childId}
    ) AS sized
  ) AS parents
  ORDER BY id`
