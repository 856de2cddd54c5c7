import type { Sql } from '../client.ts'
import { mayStart } from './expiries.ts'
import { sizeOf } from './jobs.ts'
import type { Held } from './leases.ts'

/** What a worker needs to run a job. */
export interface ClaimedJob {
  id: string
  projectId: string
  kind: string
  stint: number
  attempt: number
  crashes: number
  timeoutSeconds: number
  runMs: number
  input: unknown
  checkpoint: unknown
  checkpointVersion: number | null
  hasParents: boolean
  /** About how large its input and its checkpoint are in memory. */
  bytes: number
  /** For how long it had been due. */
  waitMs: number
}

export interface ClaimRequest {
  queue: string
  /** The process that will run them. */
  worker: string
  /** At most this many jobs. */
  limit: number
  /** About how large their inputs and checkpoints may be together; the last job may go beyond it. */
  bytes: number
  /** Kinds with free slots here, and in `slots` how many each has. */
  kinds: string[]
  slots: number[]
  leaseSeconds: number
  /** Takes a suspect, alone, if one is due. Otherwise suspects are passed over. */
  suspectFirst: boolean
  /** Any UUID: the claim goes through the projects that come after it. */
  after: string
  /** Where the round began, and so ends: `after`, unless this claim continues a round that another one left. */
  roundFrom: string
}

export interface Claimed {
  jobs: ClaimedJob[]
  /** The last project that had its turn: the next round begins after it. */
  reached: string
  /** Something was due, but others took it first. Jobs that have come since this looked are not seen either. */
  missed: boolean
  /** It stopped before the end of the round: something may be due after `reached`. */
  cutShort: boolean
}

/** The most projects that one claim goes through. If nothing is due in any of them, that takes some 40 ms. */
const MAX_HOPS = 2_000

/**
 * Leases startable jobs of one queue and writes their `job.started` events, in one statement. Its steps, by their names in it:
 *
 * - `asked`: the request
 * - `hops`: projects in which something waits, one after the other, and whether their first job is `due`
 * - `waiting`: those of them in which something is due
 * - `open`: has a row unless the queue is paused
 * - `suspect`: a job that is claimed alone, if one is due and may be
 * - `share`: how many jobs each project may have
 * - `candidates`: so many of each project, locked
 * - `chosen`: the first of them, as far as the slots of their kinds, the limit and the bytes go
 * - `claimed`: those, running by now; `told` and `paced`: what follows from it
 *
 * Projects take turns: a loose index scan hops from project to project (never through a project's backlog), beginning after
 * the one that was served last, and each project with a due job gets the same share of the limit. Within a project priority
 * decides, then age. The index is probed once per level of priority, so that any number of delayed jobs costs nothing.
 * Where the first job can't start, the first that can is looked for, and what stands before it, perhaps very many jobs
 * that have expired, is not read again to take some. (`OFFSET 0`, because `due` is used twice and would otherwise be computed
 * twice.)
 *
 * The rows are updated by an array of their ids: a join with them, planned while many wait, would read the whole table at
 * each claim. And the request is read from a row (`asked`): a planner that saw its values would plan each claim anew, which
 * costs twice as much as a small claim.
 *
 * A lease counts from when it is written: a claim may have waited for a lock on the table for longer than a lease lasts.
 *
 * A suspect (two leases lost in a row without progress: perhaps a poison job) is claimed alone, so that it can take no other
 * job with it.
 */
export const claim = async (sql: Sql, request: ClaimRequest): Promise<Claimed> => {
  const { queue, worker, limit, bytes, kinds, slots, leaseSeconds, suspectFirst, after, roundFrom } = request
  const rows = await sql<(Omit<ClaimedJob, 'id'> & { id: string | null } & Omit<Claimed, 'jobs'>)[]>`
    WITH RECURSIVE asked AS MATERIALIZED (
      SELECT ${queue}::text AS queue, ${limit}::integer AS jobs, ${after}::uuid AS after_project,
             ${roundFrom}::uuid AS round_from, ${bytes}::bigint AS bytes, ${kinds}::text[] AS kinds,
             ${slots}::integer[] AS slots
    ), hops (project_id, wrapped, due, level, since, nth, hop) AS (
      SELECT after_project, after_project < round_from, false, NULL::integer, NULL::timestamptz, 0, 0 FROM asked
      UNION ALL
      SELECT next.project_id, next.wrapped, look.due, look.level, look.since, hops.nth + look.due::integer, hops.hop + 1
      FROM hops, LATERAL (
        SELECT * FROM (
          (SELECT project_id, priority, kind, start_at, expires_at, crashes, hops.wrapped FROM jobs
            WHERE ${waits(sql)} AND project_id > hops.project_id
              AND (NOT hops.wrapped OR project_id <= (SELECT round_from FROM asked))
            ORDER BY project_id, priority, start_at LIMIT 1)
          UNION ALL
          (SELECT project_id, priority, kind, start_at, expires_at, crashes, true FROM jobs
            WHERE ${waits(sql)} AND NOT hops.wrapped AND project_id <= (SELECT round_from FROM asked)
            ORDER BY project_id, priority, start_at LIMIT 1)
        ) AS either ORDER BY wrapped LIMIT 1
      ) AS next, LATERAL (
        SELECT coalesce(known.due, first.start_at IS NOT NULL) AS due, first.priority AS level, first.start_at AS since
        FROM (
          SELECT CASE
            WHEN next.start_at <= now() AND next.crashes < 2 AND next.kind = ANY ((SELECT kinds FROM asked)::text[])
              AND next.expires_at IS NULL THEN true
            WHEN next.start_at > now() AND NOT EXISTS (
              SELECT FROM jobs WHERE ${waits(sql)} AND project_id = next.project_id AND priority > next.priority
            ) THEN false
          END AS due
          OFFSET 0
        ) AS known LEFT JOIN LATERAL (
          SELECT level.priority, found.start_at FROM generate_series(10, -10, -1) AS level (priority), LATERAL (
            SELECT start_at FROM jobs
            WHERE ${isDue(sql)} AND project_id = next.project_id AND priority = level.priority
            ORDER BY start_at, id LIMIT 1
          ) AS found
          WHERE known.due IS NULL LIMIT 1
        ) AS first ON true
        OFFSET 0
      ) AS look
      WHERE hops.nth < (SELECT jobs FROM asked) AND hops.hop < ${MAX_HOPS}
    ), waiting AS MATERIALIZED (
      SELECT project_id, level, since FROM hops WHERE due
    ), open AS MATERIALIZED (
      SELECT FROM queues WHERE name = (SELECT queue FROM asked) AND paused_at IS NULL
    ), suspect AS MATERIALIZED (
      SELECT id, kind, priority, start_at FROM jobs
      WHERE ${suspectFirst} AND EXISTS (SELECT FROM open)
        AND ${waits(sql)} AND crashes >= 2 AND start_at <= now() AND kind = ANY ((SELECT kinds FROM asked)::text[])
      ORDER BY start_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ), share AS MATERIALIZED (
      SELECT ceil((SELECT jobs FROM asked)::numeric / count(*))::integer AS each FROM waiting HAVING count(*) > 0
    ), candidates AS MATERIALIZED (
      SELECT startable.* FROM share, waiting, LATERAL (
        SELECT found.* FROM generate_series(coalesce(waiting.level, 10), -10, -1) AS level (priority), LATERAL (
          SELECT id, kind, priority, start_at, ${bytesOf(sql)} AS bytes FROM jobs
          WHERE ${isDue(sql)} AND project_id = waiting.project_id AND priority = level.priority
            AND start_at >= CASE level.priority WHEN waiting.level THEN waiting.since ELSE '-infinity' END
          ORDER BY start_at, id LIMIT share.each FOR UPDATE SKIP LOCKED
        ) AS found
        LIMIT share.each
      ) AS startable
      WHERE EXISTS (SELECT FROM open) AND NOT EXISTS (SELECT FROM suspect)
    ), chosen AS (
      SELECT id FROM suspect
      UNION ALL
      (SELECT id FROM (
        SELECT id, priority, start_at, bytes,
               sum(bytes) OVER (ORDER BY priority DESC, start_at, id ROWS UNBOUNDED PRECEDING) AS bytes_with_it
        FROM (
          SELECT id, kind, priority, start_at, bytes,
                 row_number() OVER (PARTITION BY kind ORDER BY priority DESC, start_at, id) AS nth
          FROM candidates
        ) AS ranked
        JOIN (SELECT free.* FROM asked, unnest(kinds, slots) AS free (kind, slots)) AS free USING (kind)
        WHERE nth <= slots
      ) AS open_to_it
      WHERE bytes_with_it - bytes < (SELECT bytes FROM asked)
      ORDER BY priority DESC, start_at, id LIMIT (SELECT jobs FROM asked))
    ), claimed AS (
      UPDATE jobs SET
        state = 'running',
        stint = stint + 1,
        event_seq = event_seq + 1,
        worker = ${worker},
        lease_until = clock_timestamp() + ${leaseSeconds} * interval '1 second',
        stint_started_at = now(),
        started_at = coalesce(started_at, now())
      WHERE id = ANY (ARRAY (SELECT id FROM chosen))
      RETURNING id, project_id, kind, queue, stint, attempt, crashes, timeout_seconds, run_ms, event_seq, priority,
                start_at, worker, has_parents, input, checkpoint, checkpoint_version, ${bytesOf(sql)} AS bytes
    ), ${noteClaimed(sql)}
    SELECT reached.project_id AS reached,
           claimed.id IS NULL AND EXISTS (SELECT FROM waiting) AND EXISTS (SELECT FROM open) AS missed,
           reached.hop >= ${MAX_HOPS} AS cut_short,
           claimed.id, claimed.project_id, kind, stint, attempt, crashes, timeout_seconds, run_ms, input, checkpoint,
           checkpoint_version, has_parents, claimed.bytes,
           (extract(epoch FROM now() - start_at) * 1000)::double precision AS wait_ms
    FROM (SELECT project_id, hop FROM hops ORDER BY hop DESC LIMIT 1) AS reached LEFT JOIN claimed ON true
    ORDER BY priority DESC, start_at, id`
  return {
    jobs: rows.flatMap(({ reached, missed, cutShort, ...job }) => (job.id === null ? [] : [job as ClaimedJob])),
    reached: rows[0]?.reached ?? after,
    missed: rows[0]?.missed ?? false,
    cutShort: rows[0]?.cutShort ?? false,
  }
}

/** The jobs that a process holds beside those that it knows of. */
export const listUntold = (sql: Sql, worker: string, { ids, stints }: Held): Promise<ClaimedJob[]> => sql`
  SELECT id, project_id, kind, stint, attempt, crashes, timeout_seconds, run_ms, input, checkpoint, checkpoint_version,
         has_parents, ${bytesOf(sql)} AS bytes,
         (extract(epoch FROM stint_started_at - start_at) * 1000)::double precision AS wait_ms
  FROM jobs
  WHERE state = 'running' AND worker = ${worker} AND lease_until > now()
    AND (id, stint) NOT IN (SELECT * FROM unnest(${ids}::uuid[], ${stints}::integer[]))
  ORDER BY priority DESC, start_at, id`

/** Writes the events of the jobs that a statement has `claimed`, and counts them for the pace of their queues. */
export const noteClaimed = (sql: Sql) => sql`
  told AS (
    INSERT INTO events (job_id, project_id, seq, type, data)
    SELECT id, project_id, event_seq, 'job.started',
           jsonb_build_object('stint', stint, 'attempt', attempt, 'worker', worker, 'resumed', checkpoint IS NOT NULL)
    FROM claimed
  ), paced AS (
    INSERT INTO queue_pace (queue, jobs) SELECT queue, count(*) FROM claimed GROUP BY queue
  )`

/**
 * About how large a job's input and checkpoint are in memory, by their size on disk, so that neither is read. Compressed
 * values count ten times, since JSON seldom compresses better; and together no more than both may have: 256 KiB and 1 MiB
 * (lib/jobs/json.ts).
 */
export const bytesOf = (sql: Sql) => sql`
  least(262144 + 1048576,
    ${sizeOf(sql, 'input')} + ${sizeOf(sql, 'checkpoint')})`

/** Waits in the queue that was asked for, due or not. Jobs of kinds that had limits when they were submitted are left out. */
const waits = (sql: Sql) => sql`
  queue = (SELECT queue FROM asked) AND state = 'queued' AND concurrency_key IS NULL`

/** Waits, and could start now. */
const isDue = (sql: Sql) => sql`
  ${waits(sql)} AND start_at <= now() AND crashes < 2 AND kind = ANY ((SELECT kinds FROM asked)::text[])
    AND ${mayStart(sql)}`
