import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { MAX_SERIAL_NUMBER, serialOf } from '../../lib/serials/serial.ts'
import { jobIn, runKind } from '../../tests/support/run-kind.ts'
import { test, type World } from '../../tests/support/world.ts'
import { serialsGenerate } from '../jobs/serials-generate.ts'
import { MAX_CSV_ROWS } from '../use-cases/serials-csv.ts'

const model = { code: '0111', name: 'Kettle' }

const add = (world: World, token: string, body: object = model) => world.http('POST', '/device-models', { token, body })

const makeSerials = ({ app }: World, projectId: string, start: number, count: number) =>
  runKind(serialsGenerate, { input: { deviceModelCode: '0111', start, count }, context: jobIn(app, projectId) })

describe('device models', () => {
  test('are added, shown, changed and deleted', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    const { status, headers, body } = await add(world, token)
    const { id } = body.deviceModel
    expect([status, headers['location']]).toEqual([201, `/device-models/${id}`])
    expect(body.deviceModel).toMatchObject({ ...model, projectId })

    const path = `/device-models/${id}`
    expect((await world.http('GET', path, { token })).body).toEqual(body)
    const change = { code: '0112', name: 'Big kettle' }
    const changed = await world.http('PATCH', path, { token, body: change })
    expect(changed).toMatchObject({ status: 200, body: { deviceModel: change } })
    const named = await world.http('PATCH', path, { token, body: { name: 'Kettle' } })
    expect(named.body.deviceModel).toMatchObject({ code: '0112', name: 'Kettle' })
    expect(await world.http('DELETE', path, { token })).toMatchObject({ status: 204 })
    const gone = await world.http('GET', path, { token })
    expect(gone).toMatchObject({ status: 404, body: { code: 'DEVICE_MODEL_NOT_FOUND' } })
  })

  test('have a code of their own in their project', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { accessToken: others } = await world.register('Grace')
    expect(await add(world, others)).toMatchObject({ status: 201 })
    expect(await add(world, token)).toMatchObject({ status: 201 })
    const taken = { status: 409, body: { code: 'DEVICE_MODEL_CODE_TAKEN' } }
    expect(await add(world, token)).toMatchObject(taken)
    const { body } = await add(world, token, { ...model, code: '0112' })
    const path = `/device-models/${body.deviceModel.id}`
    expect(await world.http('PATCH', path, { token, body: { code: '0111' } })).toMatchObject(taken)
  })

  test('are listed by pages, newest first', async ({ world }) => {
    const { accessToken: token } = await world.register()
    for (const code of ['A', 'B', 'C']) await add(world, token, { ...model, code })
    const codes = ({ body }: { body: { items: { code: string }[] } }) => body.items.map((item) => item.code)
    const first = await world.http('GET', '/device-models?limit=2', { token })
    const next = await world.http('GET', `/device-models?limit=2&cursor=${first.body.nextCursor}`, { token })
    expect([codes(first), codes(next), next.body.nextCursor]).toEqual([['C', 'B'], ['A'], null])
  })

  test('are read by members and written by maintainers', async ({ world }) => {
    const ada = await world.register()
    const viewer = await world.register('Grace')
    const stranger = await world.register('Eve')
    const { projectId } = ada
    await world.sql`INSERT INTO memberships (project_id, user_id, role) VALUES (${projectId}, ${viewer.userId}, 'viewer')`
    const { body } = await add(world, ada.accessToken)
    const path = `/device-models/${body.deviceModel.id}`
    const tries = ({ accessToken: token }: { accessToken: string }) =>
      Promise.all(
        [
          world.http('GET', path, { token }),
          world.http('GET', `${path}/serial-numbers`, { token }),
          world.http('GET', `${path}/serial-numbers.csv`, { token }),
          world.http('GET', `/device-models?projectId=${projectId}`, { token }),
          world.http('POST', '/device-models', { token, body: { code: 'NEW', name: 'New', projectId } }),
          world.http('PATCH', path, { token, body: { name: 'Mine' } }),
          world.http('DELETE', path, { token }),
        ].map(async (answer) => (await answer).body?.code ?? (await answer).status),
      )
    expect(await tries(viewer)).toEqual([200, 200, 200, 200, 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'])
    expect(await tries(stranger)).toEqual([
      'DEVICE_MODEL_NOT_FOUND',
      'DEVICE_MODEL_NOT_FOUND',
      'DEVICE_MODEL_NOT_FOUND',
      'PROJECT_NOT_FOUND',
      'PROJECT_NOT_FOUND',
      'DEVICE_MODEL_NOT_FOUND',
      'DEVICE_MODEL_NOT_FOUND',
    ])
    expect((await world.http('GET', path, { token: ada.accessToken })).body).toEqual(body)
  })

  test.for([
    [{ name: 'x' }, 'code'],
    [{ code: 'lower', name: 'x' }, 'code'],
    [{ code: 'A'.repeat(21), name: 'x' }, 'code'],
    [{ code: '', name: 'x' }, 'code'],
    [{ code: 'A', name: ' ' }, 'name'],
    [{ code: 'A', name: 'x', serials: 1 }, 'serials'],
    [{ code: 'A', name: 'x', projectId: 'mine' }, 'projectId'],
  ] as const)('refuses %j and names the field', async ([body, field], { world }) => {
    const { accessToken: token } = await world.register()
    const refused = await add(world, token, body)
    expect(refused).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED', errors: [{ path: field }] } })
  })
})

describe('a device model with serial numbers', () => {
  test('stays, and keeps its code', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    const { body } = await add(world, token)
    await makeSerials(world, projectId, 1, 1)
    const path = `/device-models/${body.deviceModel.id}`
    const inUse = { status: 409, body: { code: 'DEVICE_MODEL_IN_USE' } }
    expect(await world.http('DELETE', path, { token })).toMatchObject(inUse)
    expect(await world.http('PATCH', path, { token, body: { code: '0112' } })).toMatchObject(inUse)
    const renamed = await world.http('PATCH', path, { token, body: { code: '0111', name: 'Old kettle' } })
    expect(renamed).toMatchObject({ status: 200, body: { deviceModel: { code: '0111', name: 'Old kettle' } } })
  })

  test('lists them by pages, in the order of their numbers', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    const { body } = await add(world, token)
    await makeSerials(world, projectId, 5, 3)
    await makeSerials(world, projectId, 0, 2)
    const path = `/device-models/${body.deviceModel.id}/serial-numbers`
    const pages: { number: number; serial: string }[][] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await world.http('GET', `${path}?limit=2${cursor && `&cursor=${cursor}`}`, { token })
      pages.push(page.body.items)
      cursor = page.body.nextCursor
    }
    expect(pages.map((page) => page.map((item) => item.number))).toEqual([[0, 1], [5, 6], [7]])
    expect(pages[0]?.[0]).toMatchObject({ serial: serialOf('0111', 0), jobId: expect.any(String) })
  })

  test('gives them as CSV, whose pages together are one file', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    const { body } = await add(world, token)
    await makeSerials(world, projectId, 5, 3)
    await makeSerials(world, projectId, 0, 2)
    const path = `/device-models/${body.deviceModel.id}/serial-numbers.csv`
    let file = ''
    let pages = 0
    for (let next: string | undefined = `${path}?limit=2`; next; pages++) {
      const page = await world.http('GET', next, { token })
      expect(page).toMatchObject({
        status: 200,
        headers: {
          'content-type': 'text/csv; charset=utf-8',
          'content-disposition': expect.stringContaining('filename="0111-serial-numbers.csv"'),
        },
      })
      file += page.body
      next = /^<(.*)>; rel="next"$/.exec(page.headers['link'] ?? '')?.[1]
    }
    expect(pages).toBe(3)
    const lines = file.split('\r\n')
    expect(lines[0]).toBe('number,serial,jobId,createdAt')
    const numbers = [0, 1, 5, 6, 7]
    expect(lines.slice(1, -1).map((line) => line.split(',').slice(0, 2))).toEqual(
      numbers.map((number) => [String(number), serialOf('0111', number)]),
    )
    expect(lines[1]).toMatch(/^0,[\w-]+,[\da-f-]{36},\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    const some = await world.http('GET', `${path}?first=1&last=5&header=false`, { token })
    expect(some.body.match(/^\d+/gm)).toEqual(['1', '5'])
    expect(some.headers['link']).toBeUndefined()
  })

  test('gives a full page of the longest lines in less than a function may answer', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    const code = 'X'.repeat(20)
    const { body } = await add(world, token, { code, name: 'Long' })
    const input = { deviceModelCode: code, start: MAX_SERIAL_NUMBER - MAX_CSV_ROWS, count: MAX_CSV_ROWS + 1 }
    await runKind(serialsGenerate, { input, context: jobIn(world.app, projectId) })
    const path = `/device-models/${body.deviceModel.id}/serial-numbers.csv`
    const { body: page, headers } = await world.http('GET', path, { token })
    expect(page.match(/\r\n/g)).toHaveLength(MAX_CSV_ROWS + 1)
    expect(JSON.stringify(page).length).toBeLessThan(5.6 * 1024 ** 2)
    expect(headers['link']).toContain(`first=${MAX_SERIAL_NUMBER}&`)
  })

  test.for([
    ['first=2&last=1', 'last'],
    ['first=-1', 'first'],
    ['last=100000000', 'last'],
    ['first=', 'first'],
    ['last=', 'last'],
    ['limit=50001', 'limit'],
    ['header=no', 'header'],
  ])('refuses %s of a CSV and names the field', async ([query, field], { world }) => {
    const { accessToken: token } = await world.register()
    const { body } = await add(world, token)
    const path = `/device-models/${body.deviceModel.id}/serial-numbers.csv?${query}`
    expect(await world.http('GET', path, { token })).toMatchObject({ status: 422, body: { errors: [{ path: field }] } })
  })

  test('never has serials of two codes, whoever comes first', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    const { body } = await add(world, token)
    const path = `/device-models/${body.deviceModel.id}`
    const [made, changed] = await Promise.all([
      makeSerials(world, projectId, 1, 10).catch((error: { code: string }) => error.code),
      world.http('PATCH', path, { token, body: { code: '0112' } }),
    ])
    const rows = await world.sql`SELECT DISTINCT left(serial, 4) AS code FROM serial_numbers`
    const { code } = (await world.http('GET', path, { token })).body.deviceModel
    const outcome = { made: typeof made === 'string' ? made : 'stored', changed: changed.status, rows: [...rows], code }
    expect([
      { made: 'stored', changed: 409, rows: [{ code: '0111' }], code: '0111' },
      { made: 'DEVICE_MODEL_NOT_FOUND', changed: 200, rows: [], code: '0112' },
    ]).toContainEqual(outcome)
  })
})

test('an id that cannot be one is an address that is not there', async ({ world }) => {
  const { accessToken: token } = await world.register()
  const malformed = await world.http('GET', '/device-models/1', { token })
  expect(malformed).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  const missing = await world.http('GET', `/device-models/${newId()}/serial-numbers`, { token })
  expect(missing).toMatchObject({ status: 404, body: { code: 'DEVICE_MODEL_NOT_FOUND' } })
})
