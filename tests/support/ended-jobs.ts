import type { Sql } from '../../db/client.ts'
import { newId } from '../../lib/core/ids.ts'

/** Adds jobs that have succeeded, newer than all that there are: history in the way of what lies behind it. @returns their ids, in order */
export const addEnded = async (
  sql: Sql,
  projectId: string,
  count: number,
  { tag = 'common' }: { tag?: string } = {},
): Promise<string[]> => {
  const ids = Array.from({ length: count }, () => newId())
  await sql`
    INSERT INTO jobs (id, project_id, kind, queue, state, tags, max_attempts, timeout_seconds, input, started_at, finished_at)
    SELECT id, ${projectId}, 'debug.noop', 'default', 'succeeded', ARRAY[${tag}::text], 3, 60, '{"echo":"often"}', now(), now()
    FROM unnest(${ids}::uuid[]) AS id`
  return ids
}
