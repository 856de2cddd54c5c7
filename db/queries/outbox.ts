import type { Sql } from '../client.ts'
import type { EventRow } from './events.ts'

/** An event that Kafka doesn't have yet, and the row of the outbox that says so. */
export interface OutboxEvent extends EventRow {
  outboxId: number
  /** Its job's trace context; null if it has none. */
  traced: Traced | null
}

/** A job's kind, and its W3C trace context. */
export interface Traced {
  kind: string
  traceparent: string
}

/** Stands for an event that was deleted: its row must be removed too, or no relay gets past it. */
export interface GoneEvent {
  outboxId: number
  id: null
}

/** The oldest rows, with the number of events `before` each. */
const oldest = (sql: Sql, atMost: number, condition = sql``) => sql`
  (
    SELECT id, created_at, events, job_ids, seqs, told, sum(events) OVER (ORDER BY id) - events AS before
    FROM outbox ${condition} ORDER BY id LIMIT ${atMost}
  ) AS due`

/** The events that `due` names. */
const unnestNoted = (sql: Sql) => sql`unnest(due.job_ids, due.seqs) WITH ORDINALITY AS noted (job_id, seq, nth)`

/** The events that `noted` names, each looked up by its key. Without the limit, the planner would read all events once many wait. */
const joinEvents = (sql: Sql) => sql`
  LEFT JOIN LATERAL (
    SELECT events.id, events.job_id, events.project_id, events.seq, type, data, events.created_at, xid,
           CASE WHEN traceparent IS NOT NULL THEN jsonb_build_object('kind', kind, 'traceparent', traceparent) END AS traced
    FROM events LEFT JOIN jobs ON jobs.id = events.job_id
    WHERE events.job_id = noted.job_id AND events.seq = noted.seq LIMIT 1
  ) AS event ON true`

/**
 * The events of the oldest rows, in the order in which they are to be published: at least `atLeast`, as rows are read whole. It
 * always begins at the first row, and not after a remembered one, since transactions commit out of order. But a job's rows are
 * in order: whoever writes its next event has waited for the commit of the one before.
 */
export const list = async (sql: Sql, atLeast: number): Promise<(OutboxEvent | GoneEvent)[]> => {
  const rows = await sql<ListedRow[]>`
    SELECT due.id, events, created_at, told, (
      SELECT jsonb_object_agg(jobs.id, jsonb_build_object('kind', kind, 'traceparent', traceparent))
      FROM jobs WHERE jobs.id = ANY (due.job_ids) AND traceparent IS NOT NULL
    ) AS traced
    FROM ${oldest(sql, atLeast)}
    WHERE before < ${atLeast} ORDER BY due.id`
  const told = rows.map(readTold)
  const unclear = rows.map(({ id }) => id).filter((_, nth) => !told[nth])
  const lookedUp = unclear.length > 0 ? await listNamed(sql, unclear) : []
  const byRow = Map.groupBy(lookedUp, ({ outboxId }) => outboxId)
  const read = rows.map(({ id }, nth) => told[nth] ?? byRow.get(id))
  // A row that was removed meanwhile may have been noted anew, and the events after it must not come before it.
  const gone = read.indexOf(undefined)
  return read.slice(0, gone < 0 ? read.length : gone).flatMap((events) => events ?? [])
}

interface ListedRow {
  id: number
  events: number
  createdAt: Date
  told: string | null
  traced: Record<string, Traced> | null
}

type ToldEvent = [
  id: number,
  projectId: string,
  jobId: string,
  seq: number,
  type: string,
  xid: number,
  data: EventRow['data'],
]

/** @returns null for a row whose events have to be read from the tables */
const readTold = ({ id: outboxId, events, createdAt, told, traced }: ListedRow): OutboxEvent[] | null => {
  if (told === null) return null
  const read = JSON.parse(`[${told}]`) as ToldEvent[]
  // While this version is deployed, an older one may run beside it, which removes published events but leaves `told` as it is.
  if (read.length !== events) return null
  return read.map(([id, projectId, jobId, seq, type, xid, data]) => ({
    ...{ outboxId, id, jobId, projectId, seq, type, data, createdAt, xid },
    traced: traced?.[jobId] ?? null,
  }))
}

const listNamed = (sql: Sql, ids: number[]): Promise<(OutboxEvent | GoneEvent)[]> => sql`
  SELECT due.id AS outbox_id, event.*
  FROM outbox AS due, ${unnestNoted(sql)} ${joinEvents(sql)}
  WHERE due.id = ANY (${ids}::bigint[])
  ORDER BY due.id, nth`

/** Names an event in a row of the outbox. */
export type NotedEvent = Pick<OutboxEvent, 'outboxId' | 'jobId' | 'seq'>

/** Makes all statements of the transaction see the same moment, and read only. Must be its first statement. */
export const freeze = async (tx: Sql): Promise<void> => {
  await tx`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`
}

/**
 * The names of the events that wait after a row, in the order in which they are to be published: at least `atLeast`, as rows
 * are read whole. To go on from row to row, use a frozen transaction: otherwise an event that commits meanwhile could be
 * missed, and the same job's next one found.
 */
export const listNoted = (sql: Sql, after: number, atLeast: number): Promise<NotedEvent[]> => sql`
  SELECT due.id AS outbox_id, noted.job_id, noted.seq
  FROM ${oldest(sql, atLeast, sql`WHERE id > ${after}`)}, ${unnestNoted(sql)}
  WHERE before < ${atLeast}
  ORDER BY due.id, nth`

/** The events that are named, in this order. */
export const read = (sql: Sql, noted: NotedEvent[]): Promise<(OutboxEvent | GoneEvent)[]> => {
  const outboxIds = noted.map((it) => it.outboxId)
  const jobIds = noted.map((it) => it.jobId)
  const seqs = noted.map((it) => it.seq)
  return sql`
    SELECT outbox_id, event.*
    FROM unnest(${outboxIds}::bigint[], ${jobIds}::uuid[], ${seqs}::integer[])
      WITH ORDINALITY AS noted (outbox_id, job_id, seq, nth) ${joinEvents(sql)}
    ORDER BY nth`
}

/** Removes rows whose events have been published, or are gone. */
export const remove = async (sql: Sql, ids: number[]): Promise<void> => {
  await sql`DELETE FROM outbox WHERE id = ANY (${ids}::bigint[])`
}

/**
 * Removes published events from rows of which others may not have been published; a row stays while it has events. The rows are
 * locked first, since another relay may do the same, and what that removed must not come back.
 */
export const removeEvents = async (sql: Sql, published: NotedEvent[]): Promise<void> => {
  const outboxIds = published.map((it) => it.outboxId)
  const jobIds = published.map((it) => it.jobId)
  const seqs = published.map((it) => it.seq)
  await sql`
    WITH published AS (
      SELECT * FROM unnest(${outboxIds}::bigint[], ${jobIds}::uuid[], ${seqs}::integer[]) AS published (id, job_id, seq)
    ), locked AS (
      SELECT id, job_ids, seqs FROM outbox WHERE id = ANY (${outboxIds}::bigint[]) ORDER BY id FOR UPDATE
    ), rest AS (
      SELECT id, array_agg(job_id ORDER BY nth) AS job_ids, array_agg(seq ORDER BY nth) AS seqs
      FROM locked, unnest(job_ids, seqs) WITH ORDINALITY AS noted (job_id, seq, nth)
      WHERE (id, job_id, seq) NOT IN (SELECT id, job_id, seq FROM published)
      GROUP BY id
    ), kept AS (
      UPDATE outbox SET events = cardinality(rest.job_ids), job_ids = rest.job_ids, seqs = rest.seqs, told = NULL
      FROM rest WHERE outbox.id = rest.id
    )
    DELETE FROM outbox WHERE id IN (SELECT id FROM locked) AND id NOT IN (SELECT id FROM rest)`
}

/**
 * Locks the outbox against new rows until the transaction ends, and waits for transactions that have written some: for 2 s,
 * since all who write events wait behind it, and one of those may be a worker's that stands still.
 */
export const lock = async (sql: Sql): Promise<void> => {
  await sql`SET LOCAL lock_timeout = '2s'`
  await sql`LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE`
}

/**
 * Notes the newest `newest` events once more, for a broker that lost its log, in order with those that wait. Must follow the
 * lock: otherwise a job's event of this moment would come before its earlier ones. And it must be quick, since nobody can
 * write events meanwhile: so the newest number is computed once, and not for each event.
 * @returns how many wait now
 */
export const refill = async (sql: Sql, newest: number): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`
    WITH waiting AS (
      DELETE FROM outbox RETURNING created_at, job_ids, seqs
    ), due AS (
      SELECT id, job_id, seq, created_at FROM events
      WHERE id > (SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('events', 'id')), 0)) - ${newest}::bigint
      UNION
      SELECT events.id, events.job_id, events.seq, events.created_at
      FROM waiting, unnest(waiting.job_ids, waiting.seqs) AS noted (job_id, seq), events
      WHERE events.job_id = noted.job_id AND events.seq = noted.seq
    ), refilled AS (
      INSERT INTO outbox (created_at, events, job_ids, seqs)
      SELECT min(created_at), count(*), array_agg(job_id ORDER BY id), array_agg(seq ORDER BY id)
      FROM (SELECT *, (row_number() OVER (ORDER BY id) - 1) / 1000 AS part FROM due) AS parted
      GROUP BY part ORDER BY part
      RETURNING events
    )
    SELECT coalesce(sum(events), 0)::integer AS count FROM refilled`
  return row.count
}

/** How many events wait, and how long the oldest has waited. */
export const measure = async (sql: Sql): Promise<{ events: number; lagSeconds: number }> => {
  const [row] = await sql<[{ events: number; lagSeconds: number }]>`
    SELECT coalesce(sum(events), 0)::integer AS events,
           coalesce(greatest(0, extract(epoch FROM clock_timestamp() - min(created_at))), 0)::double precision AS lag_seconds
    FROM outbox`
  return row
}
