import type { Sql } from '../client.ts'

export type JobState = 'blocked' | 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'

export interface JobError {
  code: string
  message: string
}

/** A job as the API shows it, without what only the engine needs. */
export interface JobRow {
  id: string
  projectId: string
  kind: string
  queue: string
  name: string | null
  state: JobState
  priority: number
  tags: string[]
  progress: number
  attempt: number
  maxAttempts: number
  stint: number
  crashes: number
  timeoutSeconds: number
  runMs: number
  queuedAt: Date
  startAt: Date
  /** When no stint has begun by then, none does. */
  expiresAt: Date | null
  startedAt: Date | null
  /** When its latest stint began. */
  stintStartedAt: Date | null
  finishedAt: Date | null
  cancelRequestedAt: Date | null
  /** When the worker that runs it heard of the cancel. */
  cancelAcknowledgedAt: Date | null
  error: JobError | null
}

export interface JobWithData extends JobRow {
  input: unknown
  partial: unknown
  result: unknown
  /** Parents whose end is not counted here. */
  waitsFor: number
  onParentFailure: OnParentFailure
  uniqueKey: string | null
  createdBy: string | null
  /** The job that submitted it. */
  submittedBy: string | null
  /** W3C trace context. */
  traceparent: string | null
}

export interface NewJob {
  id: string
  projectId: string
  createdBy: string | null
  kind: string
  queue: string
  name: string | null
  priority: number
  tags: string[]
  maxAttempts: number
  timeoutSeconds: number
  /** Whole seconds from now, by the database's clock. */
  delaySeconds: number
  /** An instant instead, RFC 3339. One in the past counts as now, so that no job overtakes those that were there. */
  runAt: string | null
  /** Whole seconds from now in which it must have started, by the database's clock; null: at any time. */
  expiresInSeconds: number | null
  /** An instant instead, RFC 3339. */
  expiresAt: string | null
  /** JSON text. */
  input: string
  /** How many of its parents have not ended; the job is blocked until none is left. */
  waitsFor: number
  hasParents: boolean
  hasChildren: boolean
  onParentFailure: OnParentFailure
  /** Of kinds with limits: what the job is limited by. */
  concurrencyKey: string | null
  /** What it took its unique key as, to take it again when it is retried. */
  uniqueKey: string | null
  /** W3C trace context of what submits it. */
  traceparent: string | null
  /** The job that submits it, if one does. */
  submittedBy: string | null
}

/** New jobs of one insert that are due at the same time. */
export interface Inserted {
  queuedAt: Date
  startAt: Date
  /** Null for all that were to be inserted. */
  ids: string[] | null
  /** Those that expire before they are due; null for none. */
  late: string[] | null
}

export type OnParentFailure = 'fail' | 'run' | 'skip'

/**
 * Inserts jobs and their `job.queued` or `job.blocked` events in one statement. An id that is there already is left alone, so the
 * statement may be repeated after a lost connection.
 */
export const insert = (sql: Sql, jobs: NewJob[]): Promise<Inserted[]> => sql`
  WITH inserted AS (
    INSERT INTO jobs (id, project_id, created_by, kind, queue, name, priority, tags, max_attempts, timeout_seconds,
                      start_at, expires_at, input, waits_for, has_parents, has_children, on_parent_failure, concurrency_key,
                      unique_key, traceparent, submitted_by, state)
    SELECT id, project_id, created_by, kind, queue, name, priority, string_to_array(tags, ','), max_attempts,
           timeout_seconds, greatest(now(), coalesce(run_at::timestamptz, now() + delay_seconds * interval '1 second')),
           coalesce(expires_at::timestamptz, now() + expires_in_seconds * interval '1 second'), input::jsonb, waits_for, has_parents = 1, has_children = 1, on_parent_failure, concurrency_key,
           unique_key, traceparent, submitted_by, CASE WHEN waits_for > 0 THEN 'blocked' ELSE 'queued' END
    FROM ${areAlike(jobs) ? alike(sql, jobs) : various(sql, jobs)}
    ON CONFLICT (id) DO NOTHING
    RETURNING id, project_id, kind, queue, name, state, attempt, event_seq, waits_for, queued_at, start_at, expires_at
  ), told AS (
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq, 'job.' || state,
           jsonb_build_object('kind', kind, 'queue', queue, 'name', name, 'attempt', attempt, 'startAt', start_at,
                              'waitsFor', waits_for)
    FROM inserted
  )
  SELECT queued_at, start_at, CASE WHEN count(*) < ${jobs.length}::integer THEN array_agg(id) END AS ids,
         array_agg(id) FILTER (WHERE expires_at <= start_at) AS late
  FROM inserted GROUP BY queued_at, start_at`

/** Whether jobs have in common what those of one kind that are submitted together mostly have. */
const areAlike = (jobs: NewJob[]): boolean => {
  const [first] = jobs
  return first === undefined || jobs.every((job) => isLike(job, first))
}

/** Each property by its name: V8 reads it twenty times faster than by a list of names. */
const isLike = (job: NewJob, other: NewJob): boolean =>
  job.projectId === other.projectId &&
  job.createdBy === other.createdBy &&
  job.kind === other.kind &&
  job.queue === other.queue &&
  job.priority === other.priority &&
  job.maxAttempts === other.maxAttempts &&
  job.timeoutSeconds === other.timeoutSeconds &&
  job.delaySeconds === other.delaySeconds &&
  job.runAt === other.runAt &&
  job.expiresInSeconds === other.expiresInSeconds &&
  job.expiresAt === other.expiresAt &&
  job.waitsFor === other.waitsFor &&
  job.hasParents === other.hasParents &&
  job.hasChildren === other.hasChildren &&
  job.onParentFailure === other.onParentFailure &&
  job.concurrencyKey === other.concurrencyKey &&
  job.uniqueKey === other.uniqueKey &&
  job.traceparent === other.traceparent &&
  job.submittedBy === other.submittedBy

/** For jobs that differ only in id, name, tags and input: the rest is sent once, which halves the cost of a large batch. */
const alike = (sql: Sql, jobs: NewJob[]) => {
  const [first] = jobs
  return sql`(
    SELECT ${first?.projectId ?? null}::uuid AS project_id, ${first?.createdBy ?? null}::uuid AS created_by,
           ${first?.kind ?? null}::text AS kind, ${first?.queue ?? null}::text AS queue,
           ${first?.priority ?? null}::smallint AS priority, ${first?.maxAttempts ?? null}::smallint AS max_attempts,
           ${first?.timeoutSeconds ?? null}::integer AS timeout_seconds,
           ${first?.delaySeconds ?? null}::integer AS delay_seconds, ${first?.runAt ?? null}::text AS run_at,
           ${first?.expiresInSeconds ?? null}::integer AS expires_in_seconds, ${first?.expiresAt ?? null}::text AS expires_at,
           ${first?.waitsFor ?? null}::integer AS waits_for, ${first?.hasParents ? 1 : 0}::smallint AS has_parents,
           ${first?.hasChildren ? 1 : 0}::smallint AS has_children,
           ${first?.onParentFailure ?? null}::text AS on_parent_failure,
           ${first?.concurrencyKey ?? null}::text AS concurrency_key, ${first?.uniqueKey ?? null}::text AS unique_key,
           ${first?.traceparent ?? null}::text AS traceparent, ${first?.submittedBy ?? null}::uuid AS submitted_by
  ) AS shared, unnest(
    ${jobs.map((job) => job.id)}::uuid[],
    ${jobs.map((job) => job.name)}::text[],
    ${jobs.map((job) => job.tags.join(','))}::text[],
    ${jobs.map((job) => job.input)}::text[]
  ) AS own (id, name, tags, input)`
}

const various = (sql: Sql, jobs: NewJob[]) => sql`
  unnest(
    ${jobs.map((job) => job.id)}::uuid[],
    ${jobs.map((job) => job.projectId)}::uuid[],
    ${jobs.map((job) => job.createdBy)}::uuid[],
    ${jobs.map((job) => job.kind)}::text[],
    ${jobs.map((job) => job.queue)}::text[],
    ${jobs.map((job) => job.name)}::text[],
    ${jobs.map((job) => job.priority)}::smallint[],
    ${jobs.map((job) => job.tags.join(','))}::text[],
    ${jobs.map((job) => job.maxAttempts)}::smallint[],
    ${jobs.map((job) => job.timeoutSeconds)}::integer[],
    ${jobs.map((job) => job.delaySeconds)}::integer[],
    ${jobs.map((job) => job.runAt)}::text[],
    ${jobs.map((job) => job.expiresInSeconds)}::integer[],
    ${jobs.map((job) => job.expiresAt)}::text[],
    ${jobs.map((job) => job.input)}::text[],
    ${jobs.map((job) => job.waitsFor)}::integer[],
    ${jobs.map((job) => (job.hasParents ? 1 : 0))}::smallint[],
    ${jobs.map((job) => (job.hasChildren ? 1 : 0))}::smallint[],
    ${jobs.map((job) => job.onParentFailure)}::text[],
    ${jobs.map((job) => job.concurrencyKey)}::text[],
    ${jobs.map((job) => job.uniqueKey)}::text[],
    ${jobs.map((job) => job.traceparent)}::text[],
    ${jobs.map((job) => job.submittedBy)}::uuid[]
  ) AS new (id, project_id, created_by, kind, queue, name, priority, tags, max_attempts, timeout_seconds,
            delay_seconds, run_at, expires_in_seconds, expires_at, input, waits_for, has_parents, has_children, on_parent_failure, concurrency_key,
            unique_key, traceparent, submitted_by)`

/** The columns of a {@link JobRow}. */
export const rowColumns = (sql: Sql) => sql`
  id, project_id, kind, queue, name, state, priority, tags, progress, attempt, max_attempts, stint, crashes,
  timeout_seconds, run_ms, queued_at, start_at, expires_at, started_at, stint_started_at, finished_at, cancel_requested_at,
  cancel_acknowledged_at, error`

/** The columns that a {@link JobWithData} has beside those. */
const dataColumns = (sql: Sql) => sql`
  input, partial, result, waits_for, on_parent_failure, unique_key, created_by, submitted_by, traceparent`

/** One job with its input, partial and result. */
export const find = async (sql: Sql, id: string): Promise<JobWithData | null> => {
  const [row] = await sql<JobWithData[]>`SELECT ${rowColumns(sql)}, ${dataColumns(sql)} FROM jobs WHERE id = ${id}`
  return row ?? null
}

/** Bytes of a value in memory, about, by its size on disk: JSON is seldom compressed to less than a tenth. */
export const sizeOf = (sql: Sql, column: 'input' | 'partial' | 'checkpoint' | 'result') => sql`
  coalesce(pg_column_size(${sql(column)}) * CASE WHEN pg_column_compression(${sql(column)}) IS NULL THEN 1 ELSE 10 END, 0)`

/** Those of the jobs that have ended: of many large ones only the first, which have this many bytes together, about. */
export const listEnded = (sql: Sql, ids: string[], bytes: number): Promise<JobWithData[]> => sql`
  SELECT ${rowColumns(sql)}, ${dataColumns(sql)} FROM jobs
  WHERE id = ANY (ARRAY (
    SELECT id FROM (
      SELECT id, sum(size) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - size AS before FROM (
        SELECT id, ${sizeOf(sql, 'input')} + ${sizeOf(sql, 'partial')} + ${sizeOf(sql, 'result')} AS size FROM jobs
        WHERE id = ANY (${ids}::uuid[]) AND state IN ('succeeded', 'failed', 'cancelled')
      ) AS ended
    ) AS summed WHERE before < ${bytes}
  )) AND state IN ('succeeded', 'failed', 'cancelled')`

export interface Cancelled {
  id: string
  kind: string
  state: JobState
  /** False when it had ended, or was told before. */
  changed: boolean
  hasChildren: boolean
  /** Cancelled because nobody had started it when it expired. */
  expired?: boolean
}

/** Notes that the workers of running jobs heard of their cancel, once each. */
export const acknowledgeCancel = async (sql: Sql, ids: string[], stints: number[]): Promise<void> => {
  await sql`
    WITH held AS MATERIALIZED (
      SELECT jobs.id FROM unnest(${ids}::uuid[], ${stints}::integer[]) AS given (id, stint)
      JOIN jobs ON jobs.id = given.id AND jobs.stint = given.stint
      WHERE jobs.state = 'running' AND jobs.cancel_requested_at IS NOT NULL AND jobs.cancel_acknowledged_at IS NULL
      ORDER BY jobs.id FOR NO KEY UPDATE OF jobs
    ), acknowledged AS (
      UPDATE jobs SET cancel_acknowledged_at = now(), event_seq = event_seq + 1
      FROM held WHERE jobs.id = held.id
      RETURNING jobs.id, project_id, event_seq, stint, cancel_requested_at
    )
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq, 'job.cancelling', jsonb_build_object(
      'stint', stint, 'step', 'acknowledged', 'requestedAt', cancel_requested_at)
    FROM acknowledged`
}

/**
 * Cancels jobs, locked in id order. A waiting job is cancelled at once; a running one is told to stop, and has 30 s to reach
 * a safe point before its lease is over. An ended job is left as it is.
 * @returns the state of each job afterwards; ids of no job are left out
 */
export const cancel = (sql: Sql, ids: string[]): Promise<Cancelled[]> => sql`
  WITH target AS MATERIALIZED (
    SELECT id, kind, state AS was, cancel_requested_at AS asked FROM jobs WHERE id = ANY (${ids}::uuid[])
    ORDER BY id FOR NO KEY UPDATE
  ), changed AS (
    UPDATE jobs SET
      state = CASE WHEN was = 'running' THEN 'running' ELSE 'cancelled' END,
      finished_at = CASE WHEN was = 'running' THEN NULL ELSE now() END,
      cancel_requested_at = now(),
      lease_until = CASE WHEN was = 'running' THEN least(lease_until, now() + interval '30 seconds') END,
      event_seq = event_seq + 1
    FROM target
    WHERE jobs.id = target.id AND (was IN ('blocked', 'queued') OR was = 'running' AND asked IS NULL)
    RETURNING jobs.id, project_id, event_seq, state, stint, has_children
  ), told AS (
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq, CASE state WHEN 'running' THEN 'job.cancelling' ELSE 'job.cancelled' END,
           CASE state WHEN 'running' THEN jsonb_build_object('stint', stint, 'step', 'requested')
             ELSE jsonb_build_object('stint', stint, 'stopped', 'before it ran') END
    FROM changed
  )
  SELECT target.id, target.kind, coalesce(changed.state, target.was) AS state, changed.id IS NOT NULL AS changed,
         coalesce(changed.has_children, false) AS has_children
  FROM target LEFT JOIN changed USING (id)`

/**
 * Takes a person's name off their jobs that may still run, by themselves or because somebody retries them. There is a branch
 * for each partial index, so that succeeded jobs, nearly all there are, are not read.
 */
export const disown = async (sql: Sql, userId: string): Promise<void> => {
  await sql`
    WITH own AS (
      SELECT id FROM jobs
      WHERE id = ANY (ARRAY (
        SELECT id FROM jobs WHERE state = 'queued' AND concurrency_key IS NULL AND created_by = ${userId}
        UNION ALL
        SELECT id FROM jobs WHERE state = 'queued' AND concurrency_key IS NOT NULL AND created_by = ${userId}
        UNION ALL
        SELECT id FROM jobs WHERE state = 'running' AND created_by = ${userId}
        UNION ALL
        SELECT id FROM jobs WHERE state = 'blocked' AND created_by = ${userId}
        UNION ALL
        SELECT id FROM jobs WHERE state IN ('failed', 'cancelled') AND created_by = ${userId}
      )) AND state <> 'succeeded'
      ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE jobs SET created_by = NULL FROM own WHERE jobs.id = own.id`
}

/** Cancels those of the jobs that are still queued, because others take their place. @returns the cancelled ones */
export const cancelQueued = (sql: Sql, ids: string[]): Promise<Cancelled[]> => sql`
  WITH waiting AS (
    SELECT id FROM jobs WHERE id = ANY (${ids}::uuid[]) AND state = 'queued' ORDER BY id FOR UPDATE
  ), cancelled AS (
    UPDATE jobs SET
      state = 'cancelled', finished_at = now(), cancel_requested_at = now(), event_seq = event_seq + 1,
      error = jsonb_build_object('code', 'REPLACED', 'message', 'another job with its unique key took its place')
    FROM waiting WHERE jobs.id = waiting.id
    RETURNING jobs.id, kind, project_id, event_seq, state, has_children, error
  ), told AS (
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq, 'job.cancelled', jsonb_build_object('error', error) FROM cancelled
  )
  SELECT id, kind, state, has_children, true AS changed FROM cancelled`
