import type { Sql } from '../client.ts'
import { bytesOf, type ClaimedJob, noteClaimed } from './claims.ts'
import { mayStart } from './expiries.ts'

export interface LimitRow {
  kind: string
  /** Starts that the rate allows now; infinite without a rate. */
  tokens: number
  /** Jobs of the kind that run now. */
  running: number
  lastKey: string
  /** Whether a due job of the kind is suspected of killing processes. */
  suspected: boolean
}

/** Whoever has the row for so long stands still: a claim takes milliseconds. */
const LOCK_SECONDS = 3

/**
 * Locks a kind's row, so that one claimer at a time counts and starts its jobs, and refills its tokens. A
 * clock that was put back gives none, and takes none.
 * @param rate starts per second and at most; null for a kind without a rate limit
 * @throws an error that `isLockTimeout` when another claimer has the row and stands still
 */
export const lock = async (
  sql: Sql,
  kind: string,
  rate: { perSecond: number; burst: number } | null,
): Promise<void> => {
  await sql`
    INSERT INTO limits AS held (kind, tokens)
    SELECT ${kind}, ${rate?.burst ?? 0}::double precision FROM set_config('lock_timeout', ${`${LOCK_SECONDS}s`}, true)
    ON CONFLICT (kind) DO UPDATE SET
      tokens = least(${rate?.burst ?? 0}::double precision,
        held.tokens + greatest(0, extract(epoch FROM clock_timestamp() - held.refilled_at)) * ${rate?.perSecond ?? 0}::double precision),
      refilled_at = clock_timestamp()`
}

/** What a locked kind has left. A statement of its own, so that it counts what others started before the lock. */
export const get = async (sql: Sql, kind: string): Promise<LimitRow> => {
  const [row] = await sql<[LimitRow]>`
    SELECT kind, tokens, last_key,
           (SELECT count(*) FROM jobs WHERE kind = ${kind} AND state = 'running' AND concurrency_key IS NOT NULL)::integer AS running,
           (SELECT id FROM jobs
             WHERE state = 'queued' AND crashes >= 2 AND start_at <= now() AND kind = ${kind} AND concurrency_key IS NOT NULL
             ORDER BY queue, start_at LIMIT 1) IS NOT NULL AS suspected
    FROM limits WHERE kind = ${kind}`
  return row
}

export interface LimitedClaim {
  kind: string
  worker: string
  /** At most this many jobs. */
  limit: number
  /** About how large their inputs and checkpoints may be together; the last job may go beyond it. */
  bytes: number
  /** At most this many running jobs per key. */
  perKey: number
  /** Keys take turns, beginning after this one. */
  after: string
  leaseSeconds: number
  suspects: boolean
}

/** How many due jobs are looked through for their keys, at most. */
const FEW = 1_000

/** How many keys are hopped over, at most; after them come the keys whose jobs have been due for longest. */
const MAX_HOPS = 10_000

/**
 * Leases startable jobs of a kind whose row is locked. If few jobs are due, it goes by their keys, so that keys with only
 * delayed jobs cost nothing. Otherwise it hops from key to key by an index, so that the backlog of a full key costs one look.
 * It takes as many as each key has room for, by priority, then age. The rows are updated by an array of their ids, and a
 * key's due jobs are counted: a join, or a mere `EXISTS`, may be planned as a scan of the whole table. And each order names the
 * priority, which is compared together with the time: with `priority =`, the index of what is due would have the order too, and
 * all of a long backlog be read by it, for each level of priority.
 */
export const claim = (
  sql: Sql,
  { kind, worker, limit, bytes, perKey, after, leaseSeconds, suspects }: LimitedClaim,
): Promise<(ClaimedJob & { concurrencyKey: string })[]> => sql`
  WITH RECURSIVE due AS MATERIALIZED (
    SELECT concurrency_key AS key FROM jobs
    WHERE kind = ${kind} AND state = 'queued' AND concurrency_key IS NOT NULL AND start_at <= now()
    ORDER BY start_at LIMIT ${FEW + 1}
  ), due_first AS (
    SELECT key, row_number() OVER (ORDER BY key <= ${after}, key) AS nth FROM due GROUP BY key
  ), keys (key, first_at, wrapped, nth) AS (
    (
      SELECT * FROM (
        (SELECT concurrency_key AS key, start_at AS first_at, false AS wrapped, 1 FROM jobs
          WHERE kind = ${kind} AND state = 'queued' AND concurrency_key > ${after} ORDER BY concurrency_key, priority, start_at LIMIT 1)
        UNION ALL
        (SELECT concurrency_key, start_at, true, 1 FROM jobs
          WHERE kind = ${kind} AND state = 'queued' AND concurrency_key <= ${after} ORDER BY concurrency_key, priority, start_at LIMIT 1)
      ) AS first WHERE (SELECT count(*) FROM due) > ${FEW} ORDER BY wrapped LIMIT 1
    )
    UNION ALL
    SELECT next.key, next.first_at, next.wrapped, keys.nth + 1
    FROM keys, LATERAL (
      SELECT * FROM (
        (SELECT concurrency_key AS key, start_at AS first_at, keys.wrapped FROM jobs
          WHERE kind = ${kind} AND state = 'queued' AND concurrency_key > keys.key
            AND (NOT keys.wrapped OR concurrency_key <= ${after})
          ORDER BY concurrency_key, priority, start_at LIMIT 1)
        UNION ALL
        (SELECT concurrency_key, start_at, true FROM jobs
          WHERE NOT keys.wrapped AND kind = ${kind} AND state = 'queued' AND concurrency_key <= ${after}
          ORDER BY concurrency_key, priority, start_at LIMIT 1)
      ) AS either ORDER BY wrapped LIMIT 1
    ) AS next
    WHERE keys.nth < ${MAX_HOPS}
  ), rooms AS MATERIALIZED (
    SELECT key, nth, CASE WHEN first_at <= now() OR (
      SELECT count(*) > 0 FROM (
        SELECT FROM jobs
        WHERE kind = ${kind} AND state = 'queued' AND concurrency_key = turns.key AND start_at <= now()
        ORDER BY priority, start_at LIMIT 1
      ) AS any_due
    ) THEN greatest(0, ${perKey}::bigint - (
      SELECT count(*) FROM jobs WHERE kind = ${kind} AND state = 'running' AND concurrency_key = turns.key
    )) ELSE 0 END AS room
    FROM (
      SELECT key, '-infinity' AS first_at, nth FROM due_first WHERE (SELECT count(*) FROM due) <= ${FEW}
      UNION ALL
      SELECT key, first_at, nth FROM keys
      UNION ALL
      -- Otherwise they would never start behind that many keys without due jobs.
      SELECT key, '-infinity', ${MAX_HOPS} + nth FROM due_first
      WHERE (SELECT count(*) FROM due) > ${FEW} AND key NOT IN (SELECT key FROM keys)
    ) AS turns
  ), startable AS MATERIALIZED (
    SELECT startable.id, startable.bytes, rooms.nth FROM rooms, LATERAL (
      SELECT found.* FROM generate_series(10, -10, -1) AS level (priority), LATERAL (
        SELECT id, ${bytesOf(sql)} AS bytes FROM jobs
        WHERE kind = ${kind} AND state = 'queued' AND concurrency_key = rooms.key
          AND (priority, start_at) >= (level.priority, '-infinity') AND (priority, start_at) <= (level.priority, now())
          AND (crashes >= 2) = ${suspects} AND ${mayStart(sql)}
          AND EXISTS (SELECT FROM queues WHERE name = jobs.queue AND paused_at IS NULL)
        ORDER BY priority, start_at, id LIMIT rooms.room FOR UPDATE OF jobs SKIP LOCKED
      ) AS found
      LIMIT rooms.room
    ) AS startable
    WHERE rooms.room > 0
    LIMIT ${limit}
  ), chosen AS MATERIALIZED (
    SELECT id, nth FROM (
      SELECT id, nth, bytes, sum(bytes) OVER (ROWS UNBOUNDED PRECEDING) AS bytes_with_it FROM startable
    ) AS summed
    WHERE bytes_with_it - bytes < ${bytes}::bigint
  ), claimed AS (
    UPDATE jobs SET
      state = 'running', stint = stint + 1, event_seq = event_seq + 1, worker = ${worker},
      lease_until = clock_timestamp() + ${leaseSeconds} * interval '1 second',
      stint_started_at = now(), started_at = coalesce(started_at, now())
    WHERE id = ANY (ARRAY (SELECT id FROM chosen))
    RETURNING jobs.*
  ), ${noteClaimed(sql)}
  SELECT id, project_id, kind, stint, attempt, crashes, timeout_seconds, run_ms, input, checkpoint, checkpoint_version,
         has_parents, ${bytesOf(sql)} AS bytes, concurrency_key, (extract(epoch FROM now() - start_at) * 1000)::double precision AS wait_ms
  FROM claimed JOIN chosen USING (id) ORDER BY nth, priority DESC, start_at, id`

/** Takes tokens, and notes the key that had its turn last. */
export const spend = async (sql: Sql, kind: string, tokens: number, lastKey: string): Promise<void> => {
  await sql`UPDATE limits SET tokens = tokens - ${tokens}::double precision, last_key = ${lastKey} WHERE kind = ${kind}`
}

/** Those of the kinds that have due jobs. */
export const listDue = async (sql: Sql, kinds: string[]): Promise<string[]> => {
  const rows = await sql<{ kind: string }[]>`
    SELECT wanted.kind FROM unnest(${kinds}::text[]) AS wanted (kind)
    WHERE (
      SELECT true FROM jobs
      WHERE jobs.kind = wanted.kind AND state = 'queued' AND concurrency_key IS NOT NULL AND start_at <= now()
      ORDER BY start_at LIMIT 1
    )`
  return rows.map((row) => row.kind)
}
