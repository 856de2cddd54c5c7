import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { debugNoop } from '../../functions/jobs/debug-noop.ts'
import { loseReplies } from '../../infra/local/chaos/replies.ts'
import { PROJECT } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { cancelJob } from './cancel.ts'
import { type Prepared, prepare } from './prepare.ts'
import type { Submission } from './submission-fields.ts'
import { submit } from './submit.ts'

// A submission whose commit was made and whose answer was lost: it is tried again, and is one job all the same.

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

/** The same, and something happens before the second try. */
const losingFirstAnd = (world: World, meanwhile: () => Promise<unknown>): App => {
  const app = losingFirst(world, ...AFTER_COMMIT)
  let tries = 0
  const begin = async (...given: unknown[]) => {
    if (++tries === 2) await meanwhile()
    return Reflect.apply(app.sql.begin, app.sql, given)
  }
  return {
    ...app,
    sql: new Proxy(app.sql, { get: (target, name) => (name === 'begin' ? begin : Reflect.get(target, name)) }),
  }
}

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

test('with a unique key that another has taken over meanwhile: it leaves that one be', async ({ world }) => {
  const unique = { uniqueKey: 'one', onDuplicate: 'replace' } as const
  const [prepared, later] = [noop(unique), noop(unique)]
  const app = losingFirstAnd(world, () => submit(world.app, [later]))
  expect(await submit(app, [prepared])).toMatchObject([{ jobId: prepared.row.id, outcome: 'made' }])
  expect(await world.sql`SELECT id, state FROM jobs ORDER BY id`).toEqual([
    { id: prepared.row.id, state: 'cancelled' },
    { id: later.row.id, state: 'queued' },
  ])
})

test('with a sibling that was answered with a job that has ended meanwhile: nothing is counted for it', async ({
  world,
}) => {
  const [holder, parent] = [noop({ uniqueKey: 'one' }), noop()]
  await submit(world.app, [holder, parent])
  const sibling = noop({ uniqueKey: 'one' })
  const child = noop({ onParentFailure: 'run' }, { after: [sibling.row.id, parent.row.id] })
  await submit(
    losingFirstAnd(world, () => cancelJob(world.app, holder.row.id)),
    [sibling, child],
  )
  await cancelJob(world.app, sibling.row.id)
  expect(await jobs.find(world.sql, child.row.id)).toMatchObject({ state: 'blocked', waitsFor: 1 })
})

test('with a parent: it waits for it once', async ({ world }) => {
  const parent = noop()
  await submit(world.app, [parent])
  const child = noop({}, { after: [parent.row.id] })
  await submit(losingFirst(world, ...AFTER_COMMIT), [child])
  expect(await jobs.find(world.sql, child.row.id)).toMatchObject({ state: 'blocked', waitsFor: 1 })
})
