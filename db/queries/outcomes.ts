import type { Sql } from '../client.ts'
import type { JobError, JobState } from './jobs.ts'

/** How a stint ended, as its worker (or the sweep) saw it. What becomes of the job is decided here, in SQL. */
export interface Outcome {
  id: string
  stint: number
  /**
   * `returned`: with a result. `threw`: a retry may help. `refused`: none can. `postponed`: the job asked for a later
   * time. `yielded`: stopped at a safe point. `lost`: its lease ran out.
   */
  ending: 'returned' | 'threw' | 'refused' | 'postponed' | 'yielded' | 'lost'
  /** How long this stint ran, in milliseconds; null for a lost one, whose end nobody saw. */
  runMs: number | null
  /** Until it may start again if it is retried or postponed. */
  delayMs?: number
  /** Of a lost one: how its process ended, if that is known. */
  error?: JobError
  /** Where it was thrown: kept with the stint, and told to nobody. */
  stack?: string | undefined
  /** JSON texts. */
  result?: string
  partial?: string
  checkpoint?: string
  checkpointVersion?: number
  progress?: number
}

/** What became of a job. */
export interface Settled {
  id: string
  projectId: string
  kind: string
  queue: string
  state: JobState
  /** Until it is due again, if it is queued. */
  delayMs: number
  hasChildren: boolean
  /** Of a kind with limits: its end makes room for another. */
  limited: boolean
  /** How its stint ended, and its running time over all stints; missing for a child, which had none. */
  ending?: Outcome['ending'] | null
  runMs?: number | null
}

/**
 * Ends stints that returned a result, nearly all of them: {@link settle} for what needs no decision, since a success
 * wins over everything. Jobs that others run after are left alone, and come back with the state `running`.
 *
 * Here, in {@link settle}, and where safe points are saved and leases extended, jobs are locked by id alone, and stint and
 * state are compared afterwards. Otherwise a plan made while few jobs run would read all running jobs, each time.
 */
export const finish = (sql: Sql, outcomes: Outcome[]): Promise<Settled[]> => sql`
  WITH held AS MATERIALIZED (
    SELECT id, stint, state, worker, stint_started_at, has_children FROM jobs
    WHERE id = ANY (${outcomes.map((it) => it.id)}::uuid[]) ORDER BY id FOR UPDATE
  ), theirs AS MATERIALIZED (
    SELECT id, result, run_ms AS stint_ms, worker, stint_started_at, has_children
    FROM held JOIN unnest(
      ${outcomes.map((it) => it.id)}::uuid[],
      ${outcomes.map((it) => it.stint)}::integer[],
      ${outcomes.map((it) => Math.round(it.runMs ?? 0))}::bigint[],
      ${outcomes.map((it) => it.result ?? null)}::text[]
    ) AS given (id, stint, run_ms, result) USING (id, stint)
    WHERE state = 'running'
  ), finished AS (
    UPDATE jobs SET
      state = 'succeeded', finished_at = now(), run_ms = run_ms + stint_ms, crashes = 0, progress = 1, partial = NULL,
      checkpoint = NULL, checkpoint_version = NULL, result = theirs.result::jsonb, error = NULL, lease_until = NULL,
      worker = NULL, event_seq = event_seq + 1
    FROM theirs WHERE jobs.id = theirs.id AND NOT theirs.has_children
    RETURNING jobs.id, project_id, kind, queue, stint, attempt, event_seq, run_ms, theirs.worker, theirs.stint_started_at,
              stint_ms, concurrency_key IS NOT NULL AS limited
  ), told AS (
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq, 'job.succeeded',
           jsonb_build_object('stint', stint, 'attempt', attempt, 'runMs', stint_ms, 'progress', 1)
    FROM finished
  ), ended AS (
    INSERT INTO stints (job_id, stint, attempt, worker, started_at, run_ms, outcome)
    SELECT id, stint, attempt, worker, stint_started_at, stint_ms, 'succeeded' FROM finished
  )
  SELECT id, project_id, kind, queue, 'succeeded' AS state, false AS has_children, limited, 0 AS delay_ms,
         'returned' AS ending, run_ms
  FROM finished
  UNION ALL
  SELECT id, NULL, NULL, NULL, 'running', true, false, 0, NULL, NULL FROM theirs WHERE has_children`

/**
 * Ends stints: the one place where jobs leave `running`. In this order:
 * a success that commits first wins; a requested cancel cancels; a refusal fails; running time over the timeout fails
 * with TIMEOUT; the third lost lease in a row without progress fails with CRASHED; a stop at a safe point, a
 * postponement and a lost lease go on with the same attempt; a throw goes on while attempts are left, and else fails.
 *
 * A job that others run after must be settled in one transaction with its edges. Unless `parents` says that the caller does
 * this, it is left alone and comes back with the state `running`.
 *
 * @returns the jobs that it settled. If one is missing, it was fenced off (or, if `lost`, its lease was renewed), and
 * nothing was written for it.
 */
export const settle = (
  sql: Sql,
  outcomes: Outcome[],
  parents: 'with parents' | 'without parents',
): Promise<Settled[]> => sql`
  WITH given AS (
    SELECT * FROM unnest(
      ${outcomes.map((it) => it.id)}::uuid[],
      ${outcomes.map((it) => it.stint)}::integer[],
      ${outcomes.map((it) => it.ending)}::text[],
      ${outcomes.map((it) => (it.runMs === null ? null : Math.round(it.runMs)))}::bigint[],
      ${outcomes.map((it) => Math.round(it.delayMs ?? 0))}::bigint[],
      ${outcomes.map((it) => (it.error ? JSON.stringify(it.error) : null))}::text[],
      ${outcomes.map((it) => it.stack ?? null)}::text[],
      ${outcomes.map((it) => it.result ?? null)}::text[],
      ${outcomes.map((it) => it.partial ?? null)}::text[],
      ${outcomes.map((it) => it.checkpoint ?? null)}::text[],
      ${outcomes.map((it) => it.checkpointVersion ?? null)}::smallint[],
      ${outcomes.map((it) => it.progress ?? null)}::real[]
    ) AS given (id, stint, ending, run_ms, delay_ms, error, stack, result, partial, checkpoint, checkpoint_version, progress)
  ), locked AS MATERIALIZED (
    SELECT * FROM jobs WHERE id = ANY (${outcomes.map((it) => it.id)}::uuid[]) ORDER BY id FOR UPDATE
  ), held AS MATERIALIZED (
    SELECT jobs.id, given.ending, given.delay_ms, given.result::jsonb AS result, given.partial::jsonb AS partial,
           given.checkpoint::jsonb AS checkpoint, given.checkpoint_version, given.progress,
           given.error::jsonb AS error, given.stack,
           coalesce(given.run_ms, greatest(0, extract(epoch FROM least(now(), jobs.lease_until) - jobs.stint_started_at)) * 1000)::bigint AS stint_ms,
           jobs.run_ms, jobs.timeout_seconds, jobs.attempt, jobs.max_attempts, jobs.crashes, jobs.cancel_requested_at,
           jobs.worker, jobs.stint_started_at, jobs.project_id, jobs.kind, jobs.queue,
           jobs.has_children AND ${parents === 'without parents'} AS left_alone
    FROM given JOIN locked AS jobs ON jobs.id = given.id AND jobs.stint = given.stint
    WHERE jobs.state = 'running' AND (given.ending <> 'lost' OR jobs.lease_until < now())
  ), decided AS (
    SELECT *,
      CASE
        WHEN ending = 'returned' THEN 'succeeded'
        WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN ending = 'refused' THEN 'failed'
        WHEN run_ms + stint_ms >= timeout_seconds * 1000::bigint THEN 'timeout'
        WHEN ending = 'lost' AND crashes >= 2 THEN 'crashed'
        WHEN ending IN ('yielded', 'postponed', 'lost') THEN 'queued'
        WHEN attempt < max_attempts THEN 'retry'
        ELSE 'failed'
      END AS verdict
    FROM held WHERE NOT left_alone
  ), settled AS (
    UPDATE jobs SET
      state = CASE verdict WHEN 'retry' THEN 'queued' WHEN 'timeout' THEN 'failed' WHEN 'crashed' THEN 'failed' ELSE verdict END,
      attempt = jobs.attempt + CASE verdict WHEN 'retry' THEN 1 ELSE 0 END,
      -- A job that its process took down with it keeps its place: it has waited its turn.
      start_at = CASE WHEN verdict IN ('queued', 'retry') AND ending <> 'lost' THEN now() + decided.delay_ms * interval '1 millisecond' ELSE jobs.start_at END,
      finished_at = CASE WHEN verdict IN ('queued', 'retry') THEN NULL ELSE now() END,
      run_ms = jobs.run_ms + decided.stint_ms,
      crashes = CASE WHEN ending = 'lost' THEN jobs.crashes + 1 WHEN verdict = 'succeeded' OR decided.checkpoint IS NOT NULL THEN 0 ELSE jobs.crashes END,
      progress = CASE verdict WHEN 'succeeded' THEN 1 ELSE coalesce(decided.progress, jobs.progress) END,
      partial = CASE verdict WHEN 'succeeded' THEN NULL ELSE coalesce(decided.partial, jobs.partial) END,
      checkpoint = CASE verdict WHEN 'succeeded' THEN NULL ELSE coalesce(decided.checkpoint, jobs.checkpoint) END,
      checkpoint_version = CASE verdict WHEN 'succeeded' THEN NULL ELSE coalesce(decided.checkpoint_version, jobs.checkpoint_version) END,
      result = decided.result,
      error = CASE verdict
        WHEN 'succeeded' THEN NULL
        WHEN 'queued' THEN jobs.error
        WHEN 'timeout' THEN jsonb_build_object('code', 'TIMEOUT', 'message',
          format('ran longer than its %s s, all stints together', jobs.timeout_seconds))
        WHEN 'crashed' THEN jsonb_build_object('code', 'CRASHED', 'message',
          'the process that ran it ended three times in a row without a new checkpoint'
          || coalesce('; the last time, ' || (decided.error->>'message'), ''))
        ELSE CASE WHEN ending = 'lost' THEN jobs.error ELSE coalesce(decided.error, jobs.error) END
      END,
      lease_until = NULL,
      worker = NULL,
      event_seq = event_seq + 1
    FROM decided WHERE jobs.id = decided.id
    RETURNING jobs.id, jobs.project_id, jobs.kind, jobs.queue, jobs.state, jobs.has_children, jobs.run_ms,
              jobs.concurrency_key IS NOT NULL AS limited, jobs.stint, jobs.attempt, jobs.event_seq, jobs.start_at, jobs.progress,
              jobs.error, jobs.cancel_requested_at, jobs.cancel_acknowledged_at, decided.verdict, decided.ending, decided.stint_ms, decided.delay_ms, decided.worker,
              decided.stint_started_at, decided.attempt AS stint_attempt, decided.error AS stint_error, decided.stack
  ), told AS (
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq,
      CASE
        WHEN verdict = 'retry' OR ending = 'postponed' AND verdict = 'queued' THEN 'job.retried'
        WHEN verdict = 'queued' THEN 'job.continued'
        ELSE 'job.' || state
      END,
      jsonb_strip_nulls(jsonb_build_object(
        'stint', stint, 'attempt', attempt, 'runMs', stint_ms, 'progress', progress,
        'reason', CASE WHEN verdict = 'queued' THEN CASE ending WHEN 'lost' THEN 'lease lost' WHEN 'yielded' THEN 'safe point' ELSE 'postponed' END END,
        'stopped', CASE WHEN state = 'cancelled' THEN CASE ending
          WHEN 'yielded' THEN 'at a safe point' WHEN 'lost' THEN 'fenced off' ELSE 'by a throw' END END,
        'requestedAt', CASE WHEN state = 'cancelled' THEN cancel_requested_at END,
        'acknowledgedAt', CASE WHEN state = 'cancelled' THEN cancel_acknowledged_at END,
        'startAt', CASE WHEN state = 'queued' THEN start_at END,
        'error', CASE WHEN verdict = 'retry' THEN stint_error WHEN state = 'failed' THEN error END))
    FROM settled
  ), ended AS (
    INSERT INTO stints (job_id, stint, attempt, worker, started_at, run_ms, outcome, error, stack)
    SELECT id, stint, stint_attempt, worker, stint_started_at, stint_ms,
      CASE
        WHEN ending = 'lost' THEN 'crashed'
        WHEN verdict = 'retry' THEN 'retried'
        WHEN verdict = 'queued' THEN CASE ending WHEN 'postponed' THEN 'postponed' ELSE 'continued' END
        ELSE state
      END,
      CASE WHEN state = 'failed' THEN coalesce(stint_error, error) ELSE stint_error END, stack
    FROM settled
  )
  SELECT id, project_id, kind, queue, state, has_children, limited, delay_ms, ending, run_ms FROM settled
  UNION ALL
  SELECT id, project_id, kind, queue, 'running', true, false, 0, NULL, NULL FROM held WHERE left_alone`
