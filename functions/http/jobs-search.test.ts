import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { addEnded } from '../../tests/support/ended-jobs.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'

const signIn = async (world: World) => {
  const { projectId, call } = await world.register()
  const submit = async (echoes: unknown[]): Promise<string[]> => {
    const jobs = echoes.map((echo) => ({ kind: 'debug.noop', input: { echo } }))
    return (await call('POST', '/jobs/batch', { jobs })).body.ids
  }
  const found = async (query: string): Promise<string[]> =>
    (await call('GET', `/jobs?${query}`)).body.items.map((job: { id: string }) => job.id)
  return { projectId, call, submit, found }
}

test('times that the database could not read are refused by name', async ({ world }) => {
  const { call } = await signIn(world)
  for (const time of ['0000-01-01T00:00:00Z', `2026-02-28T12:00:00.${'1'.repeat(150)}Z`]) {
    const input = { kind: 'debug.noop', input: {}, runAt: time }
    for (const [method, path, field, body] of [
      ['GET', `/jobs?queuedAfter=${time}`, 'queuedAfter'],
      ['GET', `/jobs?queuedBefore=${time}`, 'queuedBefore'],
      ['POST', '/jobs', 'runAt', input],
    ] as const) {
      const answer = await call(method, path, body)
      expect.soft([answer.status, answer.body.errors?.[0]?.path]).toEqual([422, field])
    }
  }
})

describe('jobs are found', () => {
  test('by a text in their input, whatever its case, page by page', async ({ world }) => {
    const { call, submit, found } = await signIn(world)
    const ids = await submit(['Thermometer', 'Barometer', { deep: ['a thermometer'] }, 'thermometer 100 %_'])
    const hits = [ids[3], ids[2], ids[0]]
    expect(await found('text=thermoMETER')).toEqual(hits)
    const first = await call('GET', '/jobs?text=thermometer&limit=2')
    expect(first.body.items).toHaveLength(2)
    expect(await found(`text=thermometer&limit=2&cursor=${first.body.nextCursor}`)).toEqual([ids[0]])
    expect(await found('text=%25_')).toEqual([ids[3]])
    expect(await found('text=thermometer&state=failed')).toEqual([])
  })

  test('by a text near the beginning of a long input, of which making all of it small would hold up the database', async ({
    world,
  }) => {
    const { submit, found } = await signIn(world)
    const [near] = await submit([`${'x'.repeat(9_900)} thermometer`, `${'x'.repeat(10_000)} thermometer`])
    expect(await found('text=THERMOMETER')).toEqual([near])
  })

  test('by a text in their name, whatever its case, be they without one or with a filter beside', async ({ world }) => {
    const { call, found } = await signIn(world)
    const jobs = ['Nightly import', 'An IMPORT of 5 %', undefined, 'Other'].map((name) => ({
      kind: 'debug.noop',
      input: { echo: name === 'Other' ? 'imported' : 'nothing' },
      ...(name && { name }),
    }))
    const { ids } = (await call('POST', '/jobs/batch', { jobs })).body
    expect(await found('text=import')).toEqual([ids[3], ids[1], ids[0]])
    expect(await found('text=IMPORT&state=queued&kind=debug.noop')).toEqual([ids[3], ids[1], ids[0]])
    expect(await found('text=nightly')).toEqual([ids[0]])
    expect(await found('text=5%20%25')).toEqual([ids[1]])
    expect(await found('text=import&state=failed')).toEqual([])
  })

  test('by a text beyond what one page looks through, with the cursor that it gives', async ({ world }) => {
    const { call, submit } = await signIn(world)
    const [rare = ''] = await submit(['rare'])
    await submit(Array.from({ length: 5_000 }, () => 'often'))
    const first = await call('GET', '/jobs?text=rare')
    expect(first.body.items).toEqual([])
    const second = await call('GET', `/jobs?text=rare&cursor=${first.body.nextCursor}`)
    expect(second.body).toMatchObject({ items: [{ id: rare }], nextCursor: null })
  })

  test('by a tag, a kind, a queue and the state succeeded beyond what one page looks through', async ({ world }) => {
    const { projectId, call } = await signIn(world)
    const [rare = ''] = await insertJobs(world.app, [{ projectId, tags: ['rare'], queue: 'bulk', kind: 'math.pi' }])
    await world.sql`UPDATE jobs SET state = 'failed'`
    await addEnded(world.sql, projectId, 20_000)
    for (const filter of ['tag=rare', 'kind=math.pi', 'queue=bulk']) {
      const first = await call('GET', `/jobs?${filter}`)
      expect(first.body.items).toEqual([])
      const second = await call('GET', `/jobs?${filter}&cursor=${first.body.nextCursor}`)
      expect(second.body).toMatchObject({ items: [{ id: rare }], nextCursor: null })
    }
    const first = await call('GET', '/jobs?state=succeeded&tag=common&limit=3')
    expect([first.body.items.length, typeof first.body.nextCursor]).toEqual([3, 'string'])
  })

  test('at once by a state that few are in, however many have succeeded since', async ({ world }) => {
    const { projectId, call } = await signIn(world)
    const STATES = ['blocked', 'queued', 'running', 'failed', 'cancelled']
    const ids = await insertJobs(
      world.app,
      STATES.map((name) => ({ projectId, name })),
    )
    const [limited = ''] = await insertJobs(world.app, [{ projectId, name: 'queued', concurrencyKey: '' }])
    await world.sql`UPDATE jobs SET state = name, lease_until = CASE name WHEN 'running' THEN now() END`
    await addEnded(world.sql, projectId, 20_000)
    for (const [nth, state] of STATES.entries()) {
      const { body } = await call('GET', `/jobs?state=${state}&queue=default`)
      const shown = body.items.map((job: { id: string }) => job.id)
      expect([state, shown, body.nextCursor]).toEqual([
        state,
        [...(state === 'queued' ? [limited] : []), ids[nth]],
        null,
      ])
    }
  })

  test('by the state queued when more wait than are all looked at, newest first', async ({ world }) => {
    const { projectId, call } = await signIn(world)
    const ids = await insertJobs(
      world.app,
      Array.from({ length: 5_001 }, (_, nth) => ({ projectId, priority: nth % 3 })),
    )
    await addEnded(world.sql, projectId, 300)
    const first = await call('GET', '/jobs?state=queued&limit=2')
    const second = await call('GET', `/jobs?state=queued&limit=2&cursor=${first.body.nextCursor}`)
    const shown = [...first.body.items, ...second.body.items].map((job: { id: string }) => job.id)
    expect(shown).toEqual(ids.slice(-4).toReversed())
  })

  test('by the job that submitted them, with what else is asked for, and by nobody of another project', async ({
    world,
  }) => {
    const { projectId, call, submit, found } = await signIn(world)
    const [parent = '', other = ''] = await submit(['parent', 'other'])
    const ids = await insertJobs(
      world.app,
      ['a', 'b', 'c', 'd'].map((tag, nth) => ({
        projectId,
        tags: [tag],
        waitsFor: nth === 3 ? 1 : 0,
        submittedBy: nth === 0 ? other : parent,
      })),
    )
    const newest = [ids[3], ids[2], ids[1]]
    expect(await found(`submittedBy=${parent}`)).toEqual(newest)
    expect(await found(`submittedBy=${other}`)).toEqual([ids[0]])
    expect(await found(`submittedBy=${ids[0]}`)).toEqual([])
    expect(await found(`submittedBy=${parent}&projectId=${projectId}&tag=b`)).toEqual([ids[1]])
    expect(await found(`submittedBy=${parent}&state=queued`)).toEqual([ids[2], ids[1]])
    expect(await found(`submittedBy=${parent}&state=blocked&queue=default`)).toEqual([ids[3]])
    expect(await found(`submittedBy=${parent}&text=nothing`)).toEqual([])
    const first = await call('GET', `/jobs?submittedBy=${parent}&limit=2`)
    expect(first.body.items).toHaveLength(2)
    expect(await found(`submittedBy=${parent}&limit=2&cursor=${first.body.nextCursor}`)).toEqual([ids[1]])
    for (const value of ['', 'yesterday'])
      expect(await call('GET', `/jobs?submittedBy=${value}`)).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'submittedBy' }] },
      })
    const stranger = await signIn(world)
    const hidden = { status: 404, body: { code: 'JOB_NOT_FOUND' } }
    expect(await stranger.call('GET', `/jobs?submittedBy=${parent}`)).toMatchObject(hidden)
    expect(await stranger.call('GET', `/jobs?submittedBy=${newId()}`)).toMatchObject(hidden)
    // Retention removes it before those that it submitted.
    await world.sql`DELETE FROM jobs WHERE id = ${parent}`
    expect(await found(`submittedBy=${parent}`)).toEqual(newest)
    expect(await stranger.call('GET', `/jobs?submittedBy=${parent}`)).toMatchObject(hidden)
  })

  test('by when they were queued', async ({ world }) => {
    const { call, submit, found } = await signIn(world)
    const [first = ''] = await submit([1])
    const [second = ''] = await submit([2])
    const { queuedAt } = (await call('GET', `/jobs/${second}`)).body.job
    expect(await found(`queuedAfter=${queuedAt}`)).toEqual([second])
    expect(await found(`queuedBefore=${queuedAt}`)).toEqual([first])
    expect(await found(`queuedBefore=${encodeURIComponent(queuedAt.replace('Z', '+00:00'))}`)).toEqual([first])
    expect(await found('queuedBefore=2020-01-01T00:00:00Z')).toEqual([])
    expect((await call('GET', '/jobs?queuedAfter=yesterday')).body.errors).toMatchObject([{ path: 'queuedAfter' }])
  })

  test('by when they ended, however long ago they were queued', async ({ world }) => {
    const { projectId, call, found } = await signIn(world)
    const ids = await insertJobs(
      world.app,
      ['10:00', '11:00', '12:00', ''].map((name) => ({ projectId, name })),
    )
    await world.sql`
      UPDATE jobs SET state = 'failed', finished_at = ('2026-01-01T' || name || 'Z')::timestamptz WHERE name <> ''`
    const [, second, third] = ids
    expect(await found('finishedAfter=2026-01-01T11:00:00Z')).toEqual([third, second])
    expect(await found('finishedAfter=2026-01-01T12:00:00%2B01:00&state=failed')).toEqual([third, second])
    expect(await found('finishedAfter=2026-01-01T11:00:00Z&state=queued')).toEqual([])
    expect(await found('finishedAfter=2026-01-01T13:00:00Z')).toEqual([])
    await world.sql`UPDATE jobs SET finished_at = finished_at + interval '100 years' WHERE state = 'failed'`
    expect(await found('finishedBefore=2126-01-01T12:00:00Z')).toEqual([second, ids[0]])
    expect(await found('finishedAfter=2126-01-01T10:30:00Z&finishedBefore=2126-01-01T12:00:00Z')).toEqual([second])
    // What was queued later has not ended before.
    expect(await found('finishedBefore=2020-01-01T00:00:00Z')).toEqual([])
    expect((await call('GET', '/jobs?finishedAfter=')).body.errors).toMatchObject([{ path: 'finishedAfter' }])
  })
})
