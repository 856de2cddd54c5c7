import { describe, expect } from 'vitest'
import { test, type World } from '../../tests/support/world.ts'

const signIn = async (world: World) => {
  const { call } = await world.register()
  const submit = async (...jobs: object[]): Promise<string[]> => (await call('POST', '/jobs/batch', { jobs })).body.ids
  return { call, submit }
}

const noop = (over: object = {}) => ({ kind: 'debug.noop', input: {}, ...over })
/** It fails: there is no such model. */
const serials = (deviceModelCode: string) => ({
  kind: 'serials.generate',
  input: { deviceModelCode, start: 1, count: 1 },
  maxAttempts: 1,
})

describe('the activity', () => {
  test('counts what ended just now, and what lives', async ({ world }) => {
    const { call, submit } = await signIn(world)
    await submit(noop(), noop(), noop())
    await world.work('default')
    const [gone = ''] = await submit(noop({ delaySeconds: 60 }))
    await call('POST', `/jobs/${gone}/cancel`)
    const [waiting = ''] = await submit(noop({ delaySeconds: 60 }))
    await submit(noop({ after: [waiting] }))
    const { body } = await call('GET', '/activity?minutes=5')
    expect(body.buckets).toHaveLength(60)
    const sum = (name: string) =>
      body.buckets.reduce((all: number, it: Record<string, number>) => all + (it[name] ?? 0), 0)
    expect([sum('succeeded'), sum('failed'), sum('cancelled')]).toEqual([3, 0, 1])
    expect(body.live).toEqual({ blocked: 1, queued: 1, running: 0, countedUpTo: 10_000 })
    expect(body.ended).toEqual({ succeeded: 3, failed: 0, cancelled: 1, atLeast: [] })
    const full = body.buckets.find((it: { succeeded: number }) => it.succeeded > 0)
    expect(full.waitMsP95).toBeGreaterThanOrEqual(full.waitMsP50)
    expect(full.runMsP50).toBeGreaterThanOrEqual(0)
  })

  test('is that of one’s own projects', async ({ world }) => {
    const { submit } = await signIn(world)
    await submit(noop())
    const stranger = await signIn(world)
    const { live, ended, bucketSeconds } = (await stranger.call('GET', '/activity')).body
    expect(bucketSeconds).toBe(60)
    expect(live).toMatchObject({ blocked: 0, queued: 0, running: 0 })
    expect(ended).toEqual({ succeeded: 0, failed: 0, cancelled: 0, atLeast: [] })
  })
})

describe('failures', () => {
  test('are together that differ in particulars only', async ({ world }) => {
    const { call, submit } = await signIn(world)
    const ids = await submit(serials('0111'), serials('0222'), {
      kind: 'image.resize',
      input: { fileId: '01a20610-c462-7693-9270-2c83469d56d5', sizes: [{ width: 8 }] },
    })
    await world.work('bulk')
    await world.work('default')
    const { body } = await call('GET', '/failures')
    expect(body.items.map((it: { kind: string; count: number }) => [it.kind, it.count])).toEqual([
      ['image.resize', 1],
      ['serials.generate', 2],
    ])
    const [one, two] = body.items
    expect([one.messagesDiffer, two.messagesDiffer]).toEqual([false, true])
    expect(one.latestMessage).toContain('01a20610-c462-7693-9270-2c83469d56d5')
    const latest = await call('GET', `/jobs/${two.jobIds[0]}`)
    expect(two.latestMessage).toBe(latest.body.job.error.message)
    expect(two.latestMessage).toMatch(/\d/)
    expect(two.message).not.toMatch(/\d/)
    expect(body.items[1].jobIds.toSorted()).toEqual(ids.slice(0, 2).toSorted())
    const stranger = await signIn(world)
    expect((await stranger.call('GET', '/failures')).body.items).toEqual([])
    await world.sql`UPDATE jobs SET finished_at = now() - interval '8 days' WHERE kind = 'image.resize'`
    expect((await call('GET', '/failures')).body.items).toHaveLength(1)
    expect((await call('GET', '/failures?days=9')).body.items).toHaveLength(2)
  })
})

describe('a job’s relatives', () => {
  test('are those before and after it, with their edges, and nobody else', async ({ world }) => {
    const { call, submit } = await signIn(world)
    const [first = '', second = '', last = '', side = ''] = await submit(
      noop({ name: 'a' }),
      noop({ name: 'b', after: ['$a'] }),
      noop({ name: 'c', after: ['$a', '$b'] }),
      noop({ name: 'd', after: ['$a'] }),
    )
    const { body } = await call('GET', `/jobs/${second}/relatives`)
    const edges = Object.fromEntries(body.items.map((it: { id: string; after: string[] }) => [it.id, it.after]))
    expect(edges).toEqual({ [first]: [], [second]: [first], [last]: [first, second].toSorted() })
    const ofFirst = await call('GET', `/jobs/${first}/relatives`)
    expect(ofFirst.body.items[0]).toMatchObject({ id: first, state: 'queued' })
    expect(ofFirst.body.items.map((it: { id: string }) => it.id)).toContain(side)
  })

  test('are two hundred at most', async ({ world }) => {
    const { call, submit } = await signIn(world)
    const [first = ''] = await submit(
      noop({ name: 'a' }),
      ...Array.from({ length: 205 }, () => noop({ after: ['$a'] })),
    )
    expect((await call('GET', `/jobs/${first}/relatives`)).body.items).toHaveLength(200)
  })

  test('are for those who may see the job', async ({ world }) => {
    const { submit } = await signIn(world)
    const [id = ''] = await submit(noop())
    const stranger = await signIn(world)
    expect((await stranger.call('GET', `/jobs/${id}/relatives`)).body.code).toBe('JOB_NOT_FOUND')
  })
})
