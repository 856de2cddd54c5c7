import { expect } from 'vitest'
import { test } from '../../tests/support/world.ts'
import { newId } from '../core/ids.ts'
import { listOthers } from './list-others.ts'

test('what is not held back is found, in order, behind however much that is', async ({ world: { app, sql } }) => {
  const held = newId()
  const others = [newId(), newId(), newId()]
  for (const id of others) {
    await sql`
      INSERT INTO outbox (events, job_ids, seqs)
      SELECT 12000, array_agg(${held}::uuid), array_agg(n) FROM generate_series(1, 12000) AS n`
    await sql`INSERT INTO outbox (events, job_ids, seqs) VALUES (3, ${[id, held, id]}::uuid[], ${[1, 1, 2]}::integer[])`
  }
  const found = await listOthers(app, (jobId) => jobId === held)
  expect(found.map(({ jobId, seq }) => [jobId, seq])).toEqual(others.flatMap((id) => [1, 2].map((seq) => [id, seq])))
})
