import type { MeasuredStack } from '../stack.ts'

const PART = 100_000

/** Adds jobs that ended in the past, with their events and stints, until there are `size`: as Stint would have left them. */
export const addHistory = async ({ sql, http }: MeasuredStack, size: number): Promise<void> => {
  const { items } = (await http('GET', '/projects')) as { items: { id: string }[] }
  const projectId = items[0]?.id ?? ''
  const [{ known }] = await sql<[{ known: number }]>`SELECT count(*)::integer AS known FROM jobs`
  for (let from = known; from < size; from += PART) {
    const count = Math.min(PART, size - from)
    await sql.begin(async (tx) => {
      // Their events were published long ago: the trigger that notes them in the outbox is for new ones.
      await tx`SET LOCAL session_replication_role = replica`
      await tx`
        WITH past AS (
          SELECT n, now() - interval '20 days' + n * interval '0.5 seconds' AS at FROM generate_series(${from}::integer, ${from + count - 1}::integer) AS n
        ), made AS (
          INSERT INTO jobs (id, project_id, kind, queue, name, tags, state, max_attempts, timeout_seconds, stint, event_seq,
                            progress, run_ms, queued_at, start_at, started_at, stint_started_at, finished_at, input, result)
          SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' ||
                  substr(md5(n::text), 4, 15))::uuid,
                 ${projectId}, 'debug.noop', 'default', 'order confirmation', ARRAY['mail', 'order'],
                 CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'succeeded' END, 3, 3600, 1, 3, 1, 2, at, at, at, at, at,
                 jsonb_build_object('steps', 0, 'stepMs', 0, 'echo', 'order ' || md5(n::text) || ' of ACME Ltd, 12 lines, 1234.56 EUR'),
                 jsonb_build_object('steps', 0, 'echo', 'order ' || md5(n::text) || ' of ACME Ltd, 12 lines, 1234.56 EUR')
          FROM past RETURNING id, project_id, finished_at
        ), told AS (
          INSERT INTO events (job_id, project_id, seq, type, created_at, data)
          SELECT id, project_id, seq, type, finished_at, '{"stint": 1, "attempt": 1, "runMs": 2, "progress": 1}'
          FROM made, (VALUES (1, 'job.queued'), (2, 'job.started'), (3, 'job.succeeded')) AS event (seq, type)
        )
        INSERT INTO stints (job_id, stint, attempt, worker, started_at, ended_at, run_ms, outcome)
        SELECT id, 1, 1, 'worker-default-1', finished_at, finished_at, 2, 'succeeded' FROM made`
    })
  }
  await sql`VACUUM (ANALYZE) jobs, events, stints`
}
