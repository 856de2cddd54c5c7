import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { debugNoop } from '../../functions/jobs/debug-noop.ts'
import { loseReplies } from '../../infra/local/chaos/replies.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { type Prepared, prepare } from './prepare.ts'
import type { Submission } from './submission.ts'
import { submit } from './submit.ts'

// A submission whose commit was made and whose answer was lost: it is tried again, and is one job all the same.

const PROJECT = '00000000-0000-7000-8000-000000000001'

const noop = (more: Partial<Submission> = {}, parts: Partial<Prepared> = {}): Prepared => ({
  ...prepare([debugNoop], { kind: 'debug.noop', input: {}, ...more }, { projectId: PROJECT, createdBy: null }),
  ...parts,
})

/** An app that loses the answer of its first commit, and of none after it. */
const losingFirst = ({ app }: World, ...draws: number[]): App => ({
  ...app,
  sql: loseReplies(app.sql, () => draws.shift() ?? 0.99),
})
/** Of a transaction the first number is drawn before its commit. */
const AFTER_COMMIT = [0.99, 0]

/** Its doorbell may be lost with the answer: the sweep finds the job. */
const expectOneQueued = async ({ sql }: World, prepared: Prepared): Promise<void> => {
  expect(await sql`SELECT id, state FROM jobs`).toEqual([{ id: prepared.row.id, state: 'queued' }])
}

test('without keys', async ({ world }) => {
  const prepared = noop()
  expect(await submit(losingFirst(world, 0), [prepared])).toMatchObject([{ jobId: prepared.row.id, outcome: 'made' }])
  await expectOneQueued(world, prepared)
})

test('with an idempotency key: it finds itself behind it', async ({ world }) => {
  const prepared = noop({}, { idempotency: { key: 'k', bodyHash: 'h' } })
  const submitted = await submit(losingFirst(world, ...AFTER_COMMIT), [prepared])
  expect(submitted).toMatchObject([{ jobId: prepared.row.id }])
  await expectOneQueued(world, prepared)
})

test.for(['return', 'replace'] as const)(
  'with a unique key: it finds itself behind it, and does not %s itself',
  async (onDuplicate, { world }) => {
    const prepared = noop({ uniqueKey: 'one', onDuplicate })
    const submitted = await submit(losingFirst(world, ...AFTER_COMMIT), [prepared])
    expect(submitted).toMatchObject([{ jobId: prepared.row.id, outcome: 'made' }])
    await expectOneQueued(world, prepared)
  },
)

test('with a parent: it waits for it once', async ({ world }) => {
  const parent = noop()
  await submit(world.app, [parent])
  const child = noop({}, { after: [parent.row.id] })
  await submit(losingFirst(world, ...AFTER_COMMIT), [child])
  expect(await jobs.find(world.sql, child.row.id)).toMatchObject({ state: 'blocked', waitsFor: 1 })
})
