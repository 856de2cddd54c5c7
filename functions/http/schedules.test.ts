import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { type Person, test, type World } from '../../tests/support/world.ts'

const nightly = {
  name: 'Nightly',
  cron: '30 2 * * *',
  timeZone: 'Europe/Berlin',
  kind: 'math.pi',
  input: { digits: 10, method: 'chudnovsky' },
}

const create = async (world: World, { accessToken: token }: Person, given: object = {}) =>
  (await world.http('POST', '/schedules', { token, body: { ...nightly, ...given } })).body.schedule

const change = ({ http }: World, { accessToken: token }: Person, id: string, body: object) =>
  http('PATCH', `/schedules/${id}`, { token, body })

/** Makes a member of Ada's project. */
const join = async ({ http }: World, ada: Person, person: Person, role: string) =>
  http('PUT', `/projects/${ada.projectId}/members/${person.userId}`, { token: ada.accessToken, body: { role } })

/** As if the time of its next tick had come. */
const makeDue = ({ sql }: World, id: string) =>
  sql`UPDATE schedules SET next_at = date_trunc('minute', now()) WHERE id = ${id}`

test('a project has a thousand schedules at the most', async ({ world }) => {
  const ada = await world.register()
  const { id } = await create(world, ada)
  await world.sql`
    INSERT INTO schedules SELECT (jsonb_populate_record(schedules, jsonb_build_object('id', gen_random_uuid()))).*
    FROM schedules, generate_series(1, 999) WHERE id = ${id}`
  const refused = await world.http('POST', '/schedules', { token: ada.accessToken, body: nightly })
  const problem = { code: 'LIMIT_REACHED', detail: 'A project may have 1000 schedules.' }
  expect(refused).toMatchObject({ status: 409, body: problem })
  expect((await world.http('DELETE', `/schedules/${id}`, { token: ada.accessToken })).status).toBe(204)
  expect(await create(world, ada)).toHaveProperty('id')
})

test('a new schedule says when it will run next', async ({ world }) => {
  const ada = await world.register()
  const answer = await world.http('POST', '/schedules', { token: ada.accessToken, body: nightly })
  const { schedule } = answer.body
  expect(answer).toMatchObject({ status: 201, headers: { location: `/schedules/${schedule.id}` } })
  expect(schedule).toMatchObject({
    ...nightly,
    projectId: ada.projectId,
    paused: false,
    catchUp: 'one',
    priority: 0,
    tags: [],
    maxAttempts: null,
    expiresInSeconds: null,
    lastRunAt: null,
    lastJobId: null,
    error: null,
  })
  expect(schedule.nextRuns).toHaveLength(5)
  expect(schedule.nextRuns.toSorted()).toEqual(schedule.nextRuns)
  expect(Date.parse(schedule.nextRuns[0])).toBeGreaterThan(Date.now())
  const berlin = new Intl.DateTimeFormat('en', { timeZone: 'Europe/Berlin', timeStyle: 'short', hourCycle: 'h23' })
  expect(new Set(schedule.nextRuns.map((it: string) => berlin.format(new Date(it))))).toEqual(new Set(['02:30']))
  expect((await world.http('GET', `/schedules/${schedule.id}`, { token: ada.accessToken })).body).toEqual({ schedule })
})

test('a list is as short as its inputs are long: it has none, and each schedule has its own', async ({ world }) => {
  const ada = await world.register()
  const input = { html: 'x'.repeat(255_000), url: 'https://example.com' }
  const { id } = await create(world, ada, { kind: 'debug.noop', input: {} })
  await world.sql`
    INSERT INTO schedules SELECT (jsonb_populate_record(schedules, jsonb_build_object(
      'id', gen_random_uuid(), 'input', ${JSON.stringify(input)}::text::jsonb
    ))).* FROM schedules, generate_series(1, 30) WHERE id = ${id}`
  const { status, body } = await world.http('GET', '/schedules?limit=100', { token: ada.accessToken })
  expect(status).toBe(200)
  expect(body.items).toHaveLength(31)
  expect(JSON.stringify(body).length).toBeLessThan(100_000)
  const [large] = body.items.filter((it: { id: string }) => it.id !== id)
  expect(large).not.toHaveProperty('input')
  const one = await world.http('GET', `/schedules/${large.id}`, { token: ada.accessToken })
  expect(one.body.schedule).toEqual({ ...large, input })
})

test('its tick becomes a job that runs, and the answer names it', async ({ world }) => {
  const ada = await world.register()
  const { id } = await create(world, ada, { tags: ['night'], priority: 2, maxAttempts: 1, timeoutSeconds: 9 })
  await makeDue(world, id)
  await world.sweep()
  await world.work('compute')
  const { schedule } = (await world.http('GET', `/schedules/${id}`, { token: ada.accessToken })).body
  expect(schedule.lastRunAt).not.toBeNull()
  const { job } = (await world.http('GET', `/jobs/${schedule.lastJobId}`, { token: ada.accessToken })).body
  expect(job).toMatchObject({
    state: 'succeeded',
    name: 'Nightly',
    tags: ['night'],
    priority: 2,
    maxAttempts: 1,
    timeoutSeconds: 9,
    result: { digits: '3.1415926535' },
  })
  await world.sweep()
  const jobs = await world.http('GET', '/jobs', { token: ada.accessToken })
  expect(jobs.body.items).toHaveLength(1)
})

test('is listed by project, newest first, page by page', async ({ world }) => {
  const ada = await world.register()
  const { body } = await world.http('POST', '/projects', { token: ada.accessToken, body: { name: 'Other' } })
  const first = await create(world, ada)
  const second = await create(world, ada)
  const elsewhere = await create(world, ada, { projectId: body.project.id })
  const list = async (query: string) =>
    (await world.http('GET', `/schedules${query}`, { token: ada.accessToken })).body as {
      items: { id: string }[]
      nextCursor: string | null
    }
  expect((await list('')).items.map((it) => it.id)).toEqual([elsewhere.id, second.id, first.id])
  const page = await list(`?projectId=${ada.projectId}&limit=1`)
  expect(page.items.map((it) => it.id)).toEqual([second.id])
  const rest = await list(`?projectId=${ada.projectId}&limit=1&cursor=${page.nextCursor}`)
  expect(rest).toMatchObject({ items: [{ id: first.id }], nextCursor: null })
})

describe('a change', () => {
  test('of the times moves the next one, and leaves what it does not name', async ({ world }) => {
    const ada = await world.register()
    const { id, nextRuns } = await create(world, ada, { tags: ['night'] })
    const renamed = await change(world, ada, id, { name: 'Renamed' })
    expect(renamed.body.schedule).toMatchObject({ name: 'Renamed', nextRuns })
    const { schedule } = (await change(world, ada, id, { cron: '0 12 * * *', timeZone: 'UTC' })).body
    expect(schedule).toMatchObject({ name: 'Renamed', tags: ['night'], input: nightly.input })
    expect(schedule.nextRuns.map((it: string) => it.slice(11))).toEqual(
      Array.from({ length: 5 }, () => '12:00:00.000Z'),
    )
  })

  test('that pauses it keeps it from running; resumed, it goes on with the next time from now', async ({ world }) => {
    const ada = await world.register()
    const { id } = await create(world, ada, { catchUp: 'all' })
    await makeDue(world, id)
    expect((await change(world, ada, id, { paused: true })).body.schedule).toMatchObject({ paused: true, nextRuns: [] })
    await world.sweep()
    const { schedule } = (await change(world, ada, id, { paused: false })).body
    expect(schedule).toMatchObject({ paused: false, lastJobId: null })
    expect(Date.parse(schedule.nextRuns[0])).toBeGreaterThan(Date.now())
  })

  test('can give back to the kind what the kind decides', async ({ world }) => {
    const ada = await world.register()
    const { id } = await create(world, ada, { maxAttempts: 1, timeoutSeconds: 5 })
    const { schedule } = (await change(world, ada, id, { maxAttempts: null, timeoutSeconds: null })).body
    expect(schedule).toMatchObject({ maxAttempts: null, timeoutSeconds: null })
  })

  test('gives its jobs an expiry, another one, and takes it away', async ({ world }) => {
    const ada = await world.register()
    const created = await create(world, ada, { expiresInSeconds: 3_600 })
    expect(created).toMatchObject({ expiresInSeconds: 3_600 })
    const { id } = created
    const expiryOfNext = async () => {
      await makeDue(world, id)
      await world.sql`DELETE FROM schedule_ticks`
      await world.sweep()
      const { schedule } = (await world.http('GET', `/schedules/${id}`, { token: ada.accessToken })).body
      const { job } = (await world.http('GET', `/jobs/${schedule.lastJobId}`, { token: ada.accessToken })).body
      return job.expiresAt && (Date.parse(job.expiresAt) - Date.parse(schedule.lastRunAt)) / 1_000
    }
    expect(await expiryOfNext()).toBe(3_600)
    expect((await change(world, ada, id, { expiresInSeconds: 7_200 })).body.schedule.expiresInSeconds).toBe(7_200)
    expect(await expiryOfNext()).toBe(7_200)
    expect((await change(world, ada, id, { name: 'Renamed' })).body.schedule.expiresInSeconds).toBe(7_200)
    expect((await change(world, ada, id, { input: { digits: 20 } })).status).toBe(200)
    expect((await change(world, ada, id, { expiresInSeconds: null })).body.schedule.expiresInSeconds).toBeNull()
    expect(await expiryOfNext()).toBeNull()
  })

  test('of the input is held against the kind', async ({ world }) => {
    const ada = await world.register()
    const { id } = await create(world, ada)
    const answer = await change(world, ada, id, { input: { digits: 0 } })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'input.digits' }] } })
  })

  test('leaves what is to be made up for; other times and a pause forget it', async ({ world }) => {
    const ada = await world.register()
    const { id } = await create(world, ada)
    const missedAt = new Date('2026-01-01T01:30:00Z')
    const afterwards = async (body: object) => {
      await world.sql`UPDATE schedules SET missed_at = ${missedAt}`
      await change(world, ada, id, body)
      return (await world.sql`SELECT missed_at FROM schedules`)[0]?.['missedAt']
    }
    expect(await afterwards({ name: 'Renamed', input: { digits: 20 } })).toEqual(missedAt)
    expect(await afterwards({ cron: '0 12 * * *' })).toBeNull()
    expect(await afterwards({ paused: true })).toBeNull()
  })

  test('clears the error of its latest tick', async ({ world }) => {
    const ada = await world.register()
    const { id } = await create(world, ada)
    await world.sql`UPDATE schedules SET kind = 'no.such', next_at = date_trunc('minute', now()) WHERE id = ${id}`
    await world.sweep()
    const { schedule } = (await world.http('GET', `/schedules/${id}`, { token: ada.accessToken })).body
    expect(schedule).toMatchObject({ error: { code: 'UNKNOWN_KIND' }, lastJobId: null })
    expect((await change(world, ada, id, { paused: true })).body.schedule.error).toBeNull()
    expect((await change(world, ada, id, { kind: 'math.pi' })).body.schedule.kind).toBe('math.pi')
  })
})

test('begins paused if told so', async ({ world }) => {
  const ada = await world.register()
  expect(await create(world, ada, { paused: true })).toMatchObject({ paused: true, nextRuns: [] })
})

test('deleted, it is gone, and its jobs stay', async ({ world }) => {
  const ada = await world.register()
  const token = ada.accessToken
  const { id } = await create(world, ada)
  await makeDue(world, id)
  await world.sweep()
  expect((await world.http('DELETE', `/schedules/${id}`, { token })).status).toBe(204)
  expect((await world.http('GET', `/schedules/${id}`, { token })).body.code).toBe('SCHEDULE_NOT_FOUND')
  expect((await world.http('GET', '/jobs', { token })).body.items).toHaveLength(1)
})

describe('refuses', () => {
  test.for<[what: string, given: object, field: string]>([
    ['a cron that is none', { cron: 'nightly' }, 'cron'],
    ['ticks that are too close', { cron: '*/5 * * * * *' }, 'cron'],
    ['a time that never comes', { cron: '0 0 30 2 *' }, 'cron'],
    ['a zone that is none', { timeZone: 'Berlin' }, 'timeZone'],
    ['an input that the kind cannot take', { input: { digits: 'many' } }, 'input.digits'],
    ['an unknown policy', { catchUp: 'some' }, 'catchUp'],
    ['a priority out of range', { priority: 11 }, 'priority'],
    ['an expiry at its tick', { expiresInSeconds: 0 }, 'expiresInSeconds'],
  ])('%s, by the name of the field', async ([, given, field], { world }) => {
    const { accessToken: token } = await world.register()
    const answer = await world.http('POST', '/schedules', { token, body: { ...nightly, ...given } })
    expect(answer).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED', errors: [{ path: field }] } })
  })

  test('an unknown kind', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const answer = await world.http('POST', '/schedules', { token, body: { ...nightly, kind: 'no.such' } })
    expect(answer).toMatchObject({ status: 422, body: { code: 'UNKNOWN_KIND' } })
  })
})

describe('who may what', () => {
  test('a viewer sees, and changes nothing', async ({ world }) => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')]
    await join(world, ada, grace, 'viewer')
    const token = grace.accessToken
    const { id } = await create(world, ada)
    expect((await world.http('GET', `/schedules/${id}`, { token })).status).toBe(200)
    expect((await world.http('GET', '/schedules', { token })).body.items).toHaveLength(1)
    const refused = [
      await world.http('POST', '/schedules', { token, body: { ...nightly, projectId: ada.projectId } }),
      await world.http('PATCH', `/schedules/${id}`, { token, body: { paused: true } }),
      await world.http('DELETE', `/schedules/${id}`, { token }),
    ]
    expect(refused.map((it) => it.body.code)).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'])
  })

  test('a maintainer changes', async ({ world }) => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')]
    await join(world, ada, grace, 'maintainer')
    const { id } = await create(world, ada)
    expect((await change(world, grace, id, { paused: true })).status).toBe(200)
  })

  test('a stranger is told that there is none', async ({ world }) => {
    const [ada, mallory] = [await world.register('Ada'), await world.register('Mallory')]
    const { id } = await create(world, ada)
    for (const scheduleId of [id, newId()]) {
      const answers = [
        await world.http('GET', `/schedules/${scheduleId}`, { token: mallory.accessToken }),
        await change(world, mallory, scheduleId, { paused: true }),
        await world.http('DELETE', `/schedules/${scheduleId}`, { token: mallory.accessToken }),
      ]
      expect(answers.map((it) => it.body.code)).toEqual(Array.from({ length: 3 }, () => 'SCHEDULE_NOT_FOUND'))
    }
  })
})
