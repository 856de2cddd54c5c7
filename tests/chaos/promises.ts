import type { Sql } from '../../db/client.ts'

/** Facts that the run knows and the database doesn't. */
export interface Known {
  /** Jobs whose submission was answered with 202. */
  accepted: string[]
  /** π to more digits than anybody asked for. */
  pi: string
}

export interface Promised {
  promise: string
  /** Rows that break it. */
  broken: (sql: Sql, known: Known) => Promise<readonly object[]>
}

/** Written by the worker of one stint, with the number of that stint in `data`. */
const BY_STINT = ['job.progressed', 'job.retried', 'job.continued', 'job.succeeded', 'job.failed', 'job.cancelled']
const TERMINAL = ['job.succeeded', 'job.failed', 'job.cancelled']

/**
 * Times of transactions are those of their beginnings: one that waited for another, or for the processor, may say an
 * earlier one although it came later. Of events, whose numbers can't lie, none is forgiven.
 */
const STANDSTILL = '10 seconds'

/** What Stint promises, whatever breaks: each promise with the query for what breaks it. */
export const PROMISES: readonly Promised[] = [
  {
    promise: 'lost: an accepted job is there',
    broken: (sql, { accepted }) => sql`
      SELECT id FROM unnest(${accepted}::uuid[]) AS accepted (id)
      WHERE NOT EXISTS (SELECT FROM jobs WHERE jobs.id = accepted.id)`,
  },
  {
    promise: 'lost: it has ended, and holds no lease any more',
    broken: (sql) => sql`
      SELECT id, name, state, lease_until FROM jobs
      WHERE state NOT IN ('succeeded', 'failed', 'cancelled') OR lease_until IS NOT NULL OR finished_at IS NULL`,
  },
  {
    promise: 'lost: it ended as it must (a crash rule that was met excepted)',
    broken: (sql) => sql`
      SELECT id, name, kind, state, error, attempt, stint, tags FROM jobs
      WHERE (
        -- A registration's mail is submitted by Stint itself, without tags.
        NOT (kind = 'account.mail' AND state = 'succeeded') AND NOT EXISTS (
          SELECT FROM unnest(tags) AS tag WHERE tag LIKE 'ends:%' AND state = ANY (string_to_array(substr(tag, 6), '/'))
        )
        OR EXISTS (
          SELECT FROM unnest(tags) AS tag WHERE tag LIKE 'code:%' AND error->>'code' IS DISTINCT FROM substr(tag, 6)
        )
      ) AND NOT (${killedThrice(sql)} OR ${hadBadLuck(sql)})`,
  },
  {
    promise: 'twice: one submission is one job, however often it was sent',
    broken: (sql) =>
      sql`SELECT name, array_agg(id) AS ids FROM jobs WHERE kind <> 'account.mail' GROUP BY name HAVING count(*) > 1`,
  },
  {
    promise: 'twice: a job ends once, and nothing follows its end but a retry that somebody asked for',
    broken: (sql) => sql`
      SELECT job_id, seq, type, next FROM (
        SELECT job_id, seq, type, lead(type) OVER per_job AS next, lead(data->>'reason') OVER per_job AS reason
        FROM events WINDOW per_job AS (PARTITION BY job_id ORDER BY seq)
      ) AS told
      WHERE (type = ANY (${TERMINAL})) <> (next IS NULL OR next = 'job.queued' AND reason = 'retried')`,
  },
  {
    promise: 'events: seq begins at 1 and has no gap, and the row has the last one',
    broken: (sql) => sql`
      SELECT jobs.id, jobs.event_seq, count(events.seq), min(seq), max(seq)
      FROM jobs LEFT JOIN events ON events.job_id = jobs.id GROUP BY jobs.id
      HAVING min(seq) IS DISTINCT FROM 1 OR max(seq) IS DISTINCT FROM event_seq OR count(seq) <> event_seq`,
  },
  {
    promise: 'events: all of them are published',
    broken: (sql) => sql`SELECT job_ids, seqs FROM outbox`,
  },
  {
    promise: 'fence: no event of a stint comes after the next one began',
    broken: (sql) => sql`
      SELECT job_id, seq, type, stint, begun FROM (
        SELECT job_id, seq, type, (data->>'stint')::integer AS stint,
               max((data->>'stint')::integer) FILTER (WHERE type = 'job.started') OVER (PARTITION BY job_id ORDER BY seq) AS begun
        FROM events
      ) AS told
      WHERE type = ANY (${BY_STINT}) AND stint < begun`,
  },
  {
    promise: 'fence: each stint began once and ended once, and they are numbered without a gap',
    broken: (sql) => sql`
      SELECT id, stint, begun, ended FROM jobs,
        LATERAL (SELECT coalesce(array_agg(n), '{}') AS numbers FROM generate_series(1, stint) AS n) AS expected,
        LATERAL (
          SELECT coalesce(array_agg((data->>'stint')::integer ORDER BY seq), '{}') AS begun
          FROM events WHERE job_id = jobs.id AND type = 'job.started'
        ) AS began,
        LATERAL (
          SELECT coalesce(array_agg(stints.stint ORDER BY stints.stint), '{}') AS ended FROM stints WHERE job_id = jobs.id
        ) AS finished
      WHERE begun <> numbers OR ended <> numbers`,
  },
  {
    promise: 'fence: every stint ended before the next one began, and only the last one ended the job',
    broken: (sql) => sql`
      SELECT job_id, stint, outcome, ended_at, next_started_at FROM (
        SELECT stints.*, lead(stints.started_at) OVER per_job AS next_started_at,
               lead(stints.stint) OVER per_job AS next_stint, jobs.state, jobs.stint AS last_stint
        FROM stints JOIN jobs ON jobs.id = stints.job_id WINDOW per_job AS (PARTITION BY job_id ORDER BY stints.stint)
      ) AS ran
      WHERE ended_at > next_started_at + ${STANDSTILL}::interval
         OR next_stint IS NULL AND stint <> last_stint
         OR next_stint IS NULL AND outcome <> state AND state <> 'cancelled' AND outcome <> 'crashed'
         OR next_stint IS NOT NULL AND outcome = 'succeeded'`,
  },
  {
    promise: 'fence: what a job stored, it stored while a stint of it ran',
    broken: (sql) => sql`
      SELECT job_id, made_at FROM (
        SELECT job_id, created_at AS made_at, NULL::integer AS made_by FROM serial_numbers GROUP BY job_id, created_at
        UNION ALL
        SELECT job_id, created_at, stint FROM files WHERE job_id IS NOT NULL
      ) AS made
      WHERE NOT EXISTS (
        SELECT FROM stints
        WHERE stints.job_id = made.job_id AND (made_by IS NULL OR made_by = stints.stint)
          AND made_at BETWEEN started_at AND ended_at + ${STANDSTILL}::interval
      )`,
  },
  {
    promise: 'effects: serial numbers have no gap, no duplicate and no stranger among them',
    broken: (sql) => sql`
      SELECT id, state, input, result, count, first, last FROM (
        SELECT job_id, count(*) AS count, min(number) AS first, max(number) AS last FROM serial_numbers GROUP BY job_id
      ) AS stored FULL JOIN (SELECT * FROM jobs WHERE kind = 'serials.generate') AS jobs ON jobs.id = stored.job_id
      WHERE id IS NULL
         OR state = 'succeeded' AND (count, first, last, (result->>'count')::bigint) IS DISTINCT FROM (
              (input->>'count')::bigint, (input->>'start')::bigint, (input->>'start')::bigint + (input->>'count')::bigint - 1,
              (input->>'count')::bigint)`,
  },
  {
    promise: 'effects: a model has as many numbers as were asked for, and each serial once',
    broken: (sql) => sql`
      SELECT model.id, stored, serials, asked FROM device_models AS model,
        LATERAL (
          SELECT count(*) AS stored, count(DISTINCT serial) AS serials FROM serial_numbers WHERE device_model_id = model.id
        ) AS there,
        LATERAL (
          SELECT coalesce(sum((input->>'count')::bigint), 0) AS asked FROM jobs
          WHERE kind = 'serials.generate' AND project_id = model.project_id AND input->>'deviceModelCode' = code
            AND state = 'succeeded'
        ) AS wanted
      WHERE stored <> asked OR serials <> asked`,
  },
  {
    promise: 'effects: the pictures of a result are there, as many as were asked for',
    broken: (sql) => sql`
      SELECT id, result FROM jobs WHERE kind = 'image.resize' AND state = 'succeeded'
        AND jsonb_array_length(input->'sizes') <> (
          SELECT count(*) FROM jsonb_array_elements(result->'images') AS image
          JOIN files ON files.id = (image->>'fileId')::uuid AND files.job_id = jobs.id)`,
  },
  {
    promise: 'effects: results are right',
    broken: (sql, { pi }) => sql`
      SELECT id, kind, left(result::text, 200) AS result FROM jobs WHERE state = 'succeeded' AND (
        kind = 'math.pi' AND result->>'digits' IS DISTINCT FROM left(${pi}, (input->>'digits')::integer + 2)
        OR kind = 'debug.noop' AND result IS DISTINCT FROM
          jsonb_build_object('steps', input->'steps', 'echo', coalesce(input->'echo', 'null')))`,
  },
  {
    promise: 'order: a job began after its parents had ended, and counted each of them',
    broken: (sql) => sql`
      SELECT child.id, child.state, child.waits_for, child.started_at, parent.id AS parent, parent.finished_at, settled_at
      FROM job_dependencies
      JOIN jobs AS child ON child.id = child_id
      JOIN jobs AS parent ON parent.id = parent_id
      WHERE settled_at IS NULL
         OR child.started_at < parent.finished_at
         OR child.waits_for <> 0 AND child.started_at IS NOT NULL`,
  },
  {
    promise: 'order: no job began before it was due',
    broken: (sql) => sql`
      SELECT jobs.id, started_at, data FROM jobs JOIN events ON events.job_id = jobs.id AND seq = 1
      WHERE started_at < (data->>'startAt')::timestamptz`,
  },
]

/** By the crash rule a job fails whose process died three times in a row without progress; here that may be bad luck. */
const killedThrice = (sql: Sql) => sql`(
  jobs.state = 'failed' AND jobs.error->>'code' = 'CRASHED' AND (
    SELECT count(*) = 3 FROM stints WHERE stints.job_id = jobs.id AND stints.stint > jobs.stint - 3 AND outcome = 'crashed'
  ))`

/** It runs after a job that was killed so, and ended as it was told to do then. */
const hadBadLuck = (sql: Sql) => sql`(
  jobs.error->>'code' = 'PARENT_FAILED' AND jobs.id IN (
    WITH RECURSIVE unlucky (id) AS (
      SELECT id FROM jobs WHERE ${killedThrice(sql)}
      UNION
      SELECT child_id FROM job_dependencies JOIN unlucky ON parent_id = unlucky.id
    )
    SELECT id FROM unlucky
  ))`

/** Jobs that the crash rule ended, though they harm nobody: none is lost, but many would be a bad sign. */
export const countCrashed = async (sql: Sql): Promise<number> => {
  const rows = await sql`SELECT id FROM jobs WHERE ${killedThrice(sql)}`
  return rows.length
}
