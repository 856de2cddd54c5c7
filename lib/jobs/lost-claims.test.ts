import { expect } from 'vitest'
import { z } from 'zod'
import type { Pool } from '../../db/client.ts'
import { loseReplies } from '../../infra/local/chaos/replies.ts'
import { createEngine, echo, insertJobs, invoke } from '../../tests/support/engine.ts'
import { insertLimited, limitedKind } from '../../tests/support/limited-kind.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { claim } from './claim.ts'
import type { ClaimWish } from './claim-wish.ts'
import { defineJob } from './define.ts'
import { ClaimError } from './execute.ts'
import { noteLost } from './lost-claims.ts'

// Claims that are committed and whose answers are lost.

/** An app that loses the answer of one write. Of a transaction the first number is drawn before its commit. */
const losing = ({ app }: World, nth = 1): App => {
  let drawn = 0
  return { ...app, sql: loseReplies(app.sql, () => (++drawn === nth ? 0 : 0.99)) }
}

/** Statements with these words find no connection, as long as `isBroken`. */
const withoutConnection = (sql: Pool, words: RegExp, isBroken: () => boolean): Pool =>
  new Proxy(sql, {
    apply: (target, self, args: Parameters<Pool>) => {
      const [text] = args
      if (!isBroken() || !Array.isArray(text) || !words.test(text.join('?'))) return Reflect.apply(target, self, args)
      return Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
    },
  })

const statesOf = ({ sql }: World) => sql`SELECT state, stint, crashes FROM jobs ORDER BY id`
const DONE = { state: 'succeeded', stint: 1, crashes: 0 }

const wish: ClaimWish = { queue: 'default', limit: 10, free: [{ kind: echo, slots: 10 }], suspects: 'never' }
const idsOf = (jobs: { id: string }[]) => jobs.map(({ id }) => id)

test('a worker that lost the answer of its claim runs what it has claimed', async ({ world }) => {
  await insertJobs(world.app, [{}, {}])
  await invoke(createEngine(losing(world)), { budget: 2 })
  expect(await statesOf(world)).toEqual([DONE, DONE])
})

test('also of a kind with limits', async ({ world }) => {
  await insertLimited(world.app, ['a', 'b'])
  await invoke(createEngine(losing(world, 2), [limitedKind({ running: 2 })]), { budget: 2 })
  expect(await statesOf(world)).toEqual([DONE, DONE])
})

test('it does so in its next invocation if nothing can be reached at first', async ({ world }) => {
  await insertJobs(world.app, [{}])
  let isBroken = true
  const app = losing(world)
  const engine = createEngine({
    ...app,
    sql: withoutConnection(app.sql, /NOT IN \(SELECT \* FROM unnest/, () => isBroken),
  })
  await expect(invoke(engine)).rejects.toBeInstanceOf(ClaimError)
  expect(await statesOf(world)).toEqual([{ state: 'running', stint: 1, crashes: 0 }])
  isBroken = false
  await invoke(engine, { budget: 1 })
  expect(await statesOf(world)).toEqual([DONE])
})

test('it takes up no more than there is room for, and the rest later', async ({ world }) => {
  const ids = await insertJobs(world.app, [{}, {}, {}, {}])
  const app = losing(world, 2)
  const known = await claim(app, { ...wish, limit: 1 })
  const first = await claim(app, { ...wish, free: [{ kind: echo, slots: 3 }] })
  expect(idsOf([...known, ...first]).toSorted()).toEqual(ids)
  noteLost(world.app)
  const narrow = { ...wish, free: [{ kind: echo, slots: 2 }] }
  expect(await claim(world.app, narrow)).toHaveLength(2)
  expect(await claim(world.app, { ...narrow, limit: 1 })).toHaveLength(1)
  expect(await claim(world.app, { ...narrow, bytes: 1 })).toHaveLength(1)
  expect(await claim(world.app, narrow)).toEqual([])
})

test('it leaves alone what it knows of: jobs that run, and jobs whose outcomes wait', async ({ world }) => {
  let runs = 0
  const counted = defineJob({
    ...{ kind: 'test.echo', summary: 'Counts its stints', input: z.unknown(), output: z.null() },
    async *run() {
      runs++
      return null
    },
  })
  await insertJobs(world.app, [{}])
  let isBroken = true
  const engine = createEngine({ ...world.app, sql: withoutConnection(world.sql, /finished AS/, () => isBroken) }, [
    counted,
  ])
  await expect(invoke(engine, { functionMs: 5_000 })).rejects.toThrow('ECONNREFUSED')
  isBroken = false
  noteLost(engine.app)
  await invoke(engine)
  expect(runs).toBe(1)
})

test('it looks until nothing can be committed any more', async ({ world }) => {
  noteLost(world.app)
  const commitLate = async () => {
    const [id = ''] = await insertJobs(world.app, [{}])
    await world.sql`
      UPDATE jobs SET state = 'running', worker = ${world.app.instance}, stint = 1, stint_started_at = now(),
        lease_until = now() + interval '1 minute' WHERE id = ${id}`
    return id
  }
  expect(await claim(world.app, wish)).toEqual([])
  const id = await commitLate()
  expect(idsOf(await claim(world.app, wish))).toEqual([id])
  world.advance(10)
  expect(await claim(world.app, wish)).toEqual([])
  await commitLate()
  expect(await claim(world.app, wish)).toEqual([])
})
