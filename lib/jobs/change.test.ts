import { describe, expect } from 'vitest'
import { z } from 'zod'
import * as dependencies from '../../db/queries/dependencies.ts'
import * as events from '../../db/queries/events.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as stints from '../../db/queries/stints.ts'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import type { Ring } from '../queue/doorbells.ts'
import { cancelJob } from './cancel.ts'
import { changeJob } from './change.ts'
import { defineJob } from './define.ts'

const get = async (app: App, id: string) => (await jobs.find(app.sql, id)) ?? expect.unreachable()
const historyOf = (app: App, id: string) => events.list(app.sql, id, 0, 100)
const codeOf = (error: { code?: string }) => error.code

/** The app, and the doorbells that it rings. */
const listening = ({ app }: World) => {
  const rings: Ring[] = []
  const ring = async (given: Ring[]): Promise<void> => {
    rings.push(...given)
    await app.queue.ring(given)
  }
  return { app: { ...app, queue: Object.assign(Object.create(app.queue), { ring }) as App['queue'] }, rings }
}

describe('a change of a job that waits', () => {
  test('has a delayed one start at once, and rings for it', async ({ world }) => {
    const { app, rings } = listening(world)
    const [id = ''] = await insertJobs(app, [{ delaySeconds: 3_600 }])
    await invoke(createEngine(app))
    expect(await get(app, id)).toMatchObject({ state: 'queued' })
    await changeJob(app, id, { delaySeconds: 0 })
    expect(rings).toEqual([{ queue: 'default', n: 1, delaySeconds: 0 }])
    const { startAt } = await get(app, id)
    const [queued, changed] = await historyOf(app, id)
    expect(queued).toMatchObject({ seq: 1, type: 'job.queued' })
    expect(changed).toMatchObject({ seq: 2, type: 'job.queued', data: { reason: 'changed', changed: ['startAt'] } })
    expect(Date.parse(`${changed?.data['startAt']}`)).toBe(startAt.getTime())
    await invoke(createEngine(app))
    expect(await get(app, id)).toMatchObject({ state: 'succeeded', stint: 1 })
  })

  test('puts a due one off, and rings for when it is due, if a doorbell can wait for so long', async ({ world }) => {
    const { app, rings } = listening(world)
    const [soon = '', late = ''] = await insertJobs(app, [{}, {}])
    await changeJob(app, soon, { delaySeconds: 600 })
    await changeJob(app, late, { runAt: '2100-01-01T00:00:00.123456Z' })
    expect(rings).toEqual([{ queue: 'default', n: 1, delaySeconds: 601 }])
    await invoke(createEngine(app))
    expect(await get(app, soon)).toMatchObject({ state: 'queued', stint: 0 })
    expect((await get(app, late)).startAt.toISOString()).toBe('2100-01-01T00:00:00.123Z')
    // It is so already.
    await changeJob(app, late, { runAt: '2100-01-01T00:00:00.123456Z' })
    expect(await historyOf(app, late)).toHaveLength(2)
  })

  test('to a time that is past costs a due one neither its place nor an event', async ({ world }) => {
    const { app } = world
    const [id = ''] = await insertJobs(app, [{}])
    const before = await get(app, id)
    await changeJob(app, id, { delaySeconds: 0 })
    await changeJob(app, id, { runAt: '2020-01-01T00:00:00Z' })
    expect(await get(app, id)).toEqual(before)
    expect(await historyOf(app, id)).toHaveLength(1)
    const [delayed = ''] = await insertJobs(app, [{ delaySeconds: 60 }])
    await changeJob(app, delayed, { runAt: '2020-01-01T00:00:00Z' })
    expect((await get(app, delayed)).startAt.getTime()).toBeGreaterThanOrEqual(before.startAt.getTime())
  })

  test('says what is otherwise, and leaves the rest', async ({ world: { app } }) => {
    const [id = ''] = await insertJobs(app, [{ name: 'Old', priority: 1, tags: ['a', 'b'], maxAttempts: 3 }])
    const before = await get(app, id)
    await changeJob(app, id, { name: null, priority: 1, tags: [], maxAttempts: 1, timeoutSeconds: 60 })
    const after = { name: null, tags: [], maxAttempts: 1, timeoutSeconds: 60 }
    expect(await get(app, id)).toEqual({ ...before, ...after })
    const changed = ['name', 'tags', 'maxAttempts', 'timeoutSeconds']
    expect((await historyOf(app, id)).at(-1)?.data).toMatchObject({ name: null, reason: 'changed', changed })
    await changeJob(app, id, { name: 'New', tags: ['c'], priority: -10 })
    expect(await get(app, id)).toMatchObject({ name: 'New', tags: ['c'], priority: -10, maxAttempts: 1 })
  })

  test('gives it another place in the queue, of a kind with limits too', async ({ world: { app } }) => {
    const order: string[] = []
    const inOrder = defineJob({
      kind: 'test.limited',
      summary: 'Runs one by one',
      input: z.object({ value: z.string() }),
      output: z.null(),
      limits: { running: 1 },
      async *run({ input }) {
        order.push(input.value)
        return null
      },
    })
    const given = ['a', 'b', 'c'].map((value) => ({
      kind: 'test.limited',
      concurrencyKey: '',
      input: JSON.stringify({ value }),
      delaySeconds: value === 'c' ? 3_600 : 0,
    }))
    const [, b = '', c = ''] = await insertJobs(app, given)
    await changeJob(app, c, { delaySeconds: 0, priority: 2 })
    await changeJob(app, b, { priority: 1 })
    for (const _ of given) await invoke(createEngine(app, [inOrder]), { budget: 1 })
    expect(order).toEqual(['c', 'b', 'a'])
  })

  test('holds for a blocked one when it comes free', async ({ world }) => {
    const { app, rings } = listening(world)
    const [parent = '', child = ''] = await insertJobs(app, [
      { hasChildren: true },
      { waitsFor: 1, hasParents: true, kind: 'test.echo' },
    ])
    await dependencies.insert(app.sql, [{ childId: child, parentId: parent }])
    await changeJob(app, child, { delaySeconds: 300, priority: 5 })
    expect(rings).toEqual([])
    expect(await get(app, child)).toMatchObject({ state: 'blocked', priority: 5, waitsFor: 1 })
    expect((await historyOf(app, child)).at(-1)).toMatchObject({ type: 'job.blocked', data: { waitsFor: 1 } })
    await invoke(createEngine(app))
    expect(await get(app, child)).toMatchObject({ state: 'queued', stint: 0 })
    expect(rings.at(-1)?.delaySeconds).toBeGreaterThan(200)
    await changeJob(app, child, { delaySeconds: 0 })
    await invoke(createEngine(app))
    expect(await get(app, child)).toMatchObject({ state: 'succeeded' })
  })

  test('has its next try come earlier, and gives it no fewer attempts than it has had', async ({ world: { app } }) => {
    const [id = ''] = await insertJobs(app, [{ kind: 'test.fail', input: '{"how":"error"}', maxAttempts: 3 }])
    await invoke(createEngine({ ...app, random: () => 0.99 }))
    expect(await get(app, id)).toMatchObject({ state: 'queued', attempt: 2, stint: 1 })
    const refused = await changeJob(app, id, { maxAttempts: 1, name: 'No' }).catch((error) => error)
    expect(refused).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ path: 'maxAttempts' }] })
    expect(await get(app, id)).toMatchObject({ maxAttempts: 3, name: null })
    await changeJob(app, id, { maxAttempts: 2, delaySeconds: 0 })
    await invoke(createEngine(app))
    expect(await get(app, id)).toMatchObject({ state: 'failed', attempt: 2, stint: 2 })
  })
})

describe('what happens to a job at that moment', () => {
  test('a claim that passes by is rung for again, whatever is changed', async ({ world }) => {
    const { app, rings } = listening(world)
    const [id = ''] = await insertJobs(app, [{}])
    const doorbell = { queue: 'default', n: 1, delaySeconds: 0 }
    await changeJob(app, id, { name: 'Named' }, async () => {
      await invoke(createEngine(app))
      expect(rings).toEqual([])
    })
    expect(await get(app, id)).toMatchObject({ state: 'queued', stint: 0 })
    expect(rings).toEqual([doorbell])
    // It is named so by now; somebody held its row all the same.
    await changeJob(app, id, { name: 'Named' })
    expect(rings).toEqual([doorbell, doorbell])
  })

  test('a cancel that comes first wins, and so does one that its worker has not heard of', async ({ world }) => {
    const { app, sql } = world
    const [waiting = '', running = ''] = await insertJobs(app, [{}, {}])
    const { changing } = await sql.begin(async (tx) => {
      await jobs.cancel(tx, [waiting])
      const changing = changeJob(app, waiting, { delaySeconds: 60 }).catch(codeOf)
      await untilOneWaits(sql)
      return { changing }
    })
    expect(await changing).toBe('JOB_ENDED')
    expect((await historyOf(app, waiting)).map((it) => it.type)).toEqual(['job.queued', 'job.cancelled'])

    await sql`UPDATE jobs SET state = 'running', stint = 1, lease_until = now() + interval '1 minute' WHERE id = ${running}`
    expect(await changeJob(app, running, { name: 'No' }).catch(codeOf)).toBe('JOB_RUNNING')
    await cancelJob(app, running)
    expect(await changeJob(app, running, { priority: 1 }).catch(codeOf)).toBe('JOB_RUNNING')
    expect(await get(app, running)).toMatchObject({ name: null, priority: 0 })
    expect(await changeJob(app, '00000000-0000-7000-8000-00000000dead', {}).catch(codeOf)).toBe('JOB_NOT_FOUND')
  })

  test('claims beside 200 changes lose none of the jobs, and run none twice', async ({ world }) => {
    const { app, rings } = listening(world)
    const ids = await insertJobs(
      app,
      Array.from({ length: 200 }, (_, nth) => ({ delaySeconds: nth % 4 === 0 ? 3_600 : 0 })),
    )
    const ran = new Map<string, number>()
    const counting = defineJob({
      kind: 'test.echo',
      summary: 'Counts its runs',
      input: z.unknown(),
      output: z.null(),
      async *run({ job }) {
        ran.set(job.id, (ran.get(job.id) ?? 0) + 1)
        return null
      },
    })
    const engine = createEngine(app, [counting])
    const changes = [{ delaySeconds: 0 }, { name: 'Named' }, { priority: 3 }, { tags: ['x'], delaySeconds: 0 }]
    const change = async (id: string, nth: number) => {
      const change = changes[nth % changes.length] ?? {}
      return { id, refused: await changeJob(app, id, change).then(() => undefined, codeOf) }
    }
    const changing = Promise.all(ids.map(change))
    const claiming = Promise.all([1, 2, 3].map(() => invoke(engine, { budget: 60 })))
    const outcomes = await changing
    await claiming
    // No doorbell but those that the changes rang.
    const rung = rings.reduce((sum, { n }) => sum + n, 0)
    if (rung > 0) await invoke(engine, { budget: rung })
    for (const { id, refused } of outcomes) {
      expect(await get(app, id)).toMatchObject({ state: 'succeeded', stint: 1 })
      expect(ran.get(id)).toBe(1)
      expect(await stints.list(app.sql, id, 0, 10)).toHaveLength(1)
      const history = await historyOf(app, id)
      expect(history.map((it) => it.seq)).toEqual(history.map((_, nth) => nth + 1))
      const told = history.map((it) => it.data['reason'] ?? it.type)
      const started = ['job.queued', 'job.started', 'job.succeeded']
      if (refused === undefined) expect([started, started.toSpliced(1, 0, 'changed')]).toContainEqual(told)
      else expect([refused, told]).toEqual([expect.stringMatching(/^JOB_(RUNNING|ENDED)$/), started])
    }
  })
})
