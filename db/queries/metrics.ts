import type { Sql } from '../client.ts'

/** One number of a metric: a counter's total, or one bucket or the sum of a histogram. */
export interface MetricTotal {
  metric: string
  labels: Record<string, string>
  /** `total`, `sum`, or a bucket's upper bound. */
  part: string
  total: number
}

/** Adds to totals, in the order of their key, so that two processes of one shard don't lock each other out. */
export const add = async (sql: Sql, shard: number, totals: MetricTotal[]): Promise<void> => {
  await sql`
    INSERT INTO metric_totals (shard, metric, labels, part, total)
    SELECT ${shard}::smallint, metric, labels::jsonb, part, total
    FROM unnest(
      ${totals.map((it) => it.metric)}::text[],
      ${totals.map((it) => JSON.stringify(it.labels))}::text[],
      ${totals.map((it) => it.part)}::text[],
      ${totals.map((it) => it.total)}::double precision[]
    ) AS given (metric, labels, part, total)
    ORDER BY metric, labels::jsonb, part
    ON CONFLICT (shard, metric, labels, part) DO UPDATE SET total = metric_totals.total + excluded.total`
}

/** Every total, over all shards. */
export const list = (sql: Sql): Promise<MetricTotal[]> => sql`
  SELECT metric, labels, part, sum(total) AS total FROM metric_totals GROUP BY metric, labels, part`

/** How many seconds ago the first job ended whose end is not counted at all of its children yet; 0 when there is none. */
export const uncountedSeconds = async (sql: Sql): Promise<number> => {
  const [row] = await sql<[{ seconds: number }]>`
    SELECT coalesce(greatest(0, extract(epoch FROM clock_timestamp() - min((
      SELECT greatest(finished_at, not_before) FROM jobs WHERE id = job_id
    )))), 0)::double precision AS seconds FROM uncounted_parents`
  return row.seconds
}
