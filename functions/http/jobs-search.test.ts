import { describe, expect } from 'vitest'
import { test, type World } from '../../tests/support/world.ts'

const signIn = async (world: World) => {
  const { accessToken: token } = await world.register()
  const call = (method: string, path: string, body?: object) =>
    world.http(method, path, { token, ...(body && { body }) })
  const submit = async (echoes: unknown[]): Promise<string[]> => {
    const jobs = echoes.map((echo) => ({ kind: 'debug.noop', input: { echo } }))
    return (await call('POST', '/jobs/batch', { jobs })).body.ids
  }
  const found = async (query: string): Promise<string[]> =>
    (await call('GET', `/jobs?${query}`)).body.items.map((job: { id: string }) => job.id)
  return { call, submit, found }
}

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

  test('by a text beyond what one page looks through, with the cursor that it gives', async ({ world }) => {
    const { call, submit } = await signIn(world)
    const [rare = ''] = await submit(['rare'])
    await submit(Array.from({ length: 5_000 }, () => 'often'))
    const first = await call('GET', '/jobs?text=rare')
    expect(first.body.items).toEqual([])
    const second = await call('GET', `/jobs?text=rare&cursor=${first.body.nextCursor}`)
    expect(second.body).toMatchObject({ items: [{ id: rare }], nextCursor: null })
  })

  test('by when they were queued', async ({ world }) => {
    const { call, submit, found } = await signIn(world)
    const [first = ''] = await submit([1])
    const [second = ''] = await submit([2])
    const { queuedAt } = (await call('GET', `/jobs/${second}`)).body.job
    expect(await found(`queuedAfter=${queuedAt}`)).toEqual([second])
    expect(await found(`queuedBefore=${queuedAt}`)).toEqual([first])
    expect(await found('queuedBefore=2020-01-01T00:00:00Z')).toEqual([])
    expect((await call('GET', '/jobs?queuedAfter=yesterday')).body.errors).toMatchObject([{ path: 'queuedAfter' }])
  })
})
