import sharp from 'sharp'
import { describe, expect } from 'vitest'
import type { Answer } from '../../tests/support/http-client.ts'
import { type Person, test, type World } from '../../tests/support/world.ts'

const picture = () =>
  sharp({ create: { width: 120, height: 80, channels: 3, background: '#c03040' } })
    .png()
    .toBuffer()

interface Given {
  query?: string
  body?: Buffer
  headers?: Record<string, string>
}

const resize = async (
  { http }: World,
  { accessToken: token }: Person,
  { query = 'width=30', body, headers = { prefer: 'wait=20' } }: Given = {},
): Promise<Answer> =>
  http('POST', `/image/resize?${query}`, {
    token,
    body: body ?? (await picture()),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  })

/** Lets workers come for what is submitted meanwhile. */
const whileWorking = async <T>(world: World, request: Promise<T>): Promise<T> => {
  let over = false
  const answered = request.finally(() => {
    over = true
  })
  while (!over) await world.work('default')
  return answered
}

const metadataAt = async (url: string | undefined) => {
  const answer = await fetch(url ?? '')
  expect(answer.status).toBe(200)
  return sharp(Buffer.from(await answer.arrayBuffer())).metadata()
}

describe('POST /image/resize', () => {
  test('redirects to the resized picture, which takes no token', async ({ world }) => {
    const ada = await world.register()
    const { status, headers } = await whileWorking(world, resize(world, ada))
    expect(status).toBe(303)
    expect(headers).toMatchObject({ 'preference-applied': 'wait=20', 'cache-control': 'no-store' })
    expect(await metadataAt(headers['location'])).toMatchObject({ width: 30, height: 20, format: 'jpeg' })
    const job = /^<(\/jobs\/[^>]+)>; rel="describedby"$/.exec(headers['link'] ?? '')?.[1] ?? ''
    const shown = await world.http('GET', job, { token: ada.accessToken })
    expect(shown.body.job).toMatchObject({ kind: 'image.resize', state: 'succeeded', projectId: ada.projectId })
  })

  test('takes all that image.resize takes of one size', async ({ world }) => {
    const ada = await world.register()
    const query = 'width=50&height=50&fit=contain&format=webp&quality=60&name=dot.png'
    const headers = { prefer: 'wait=20', 'content-type': 'image/png' }
    const answer = await whileWorking(world, resize(world, ada, { query, headers }))
    expect(await metadataAt(answer.headers['location'])).toMatchObject({ width: 50, height: 50, format: 'webp' })
  })

  test('answers with the job when nobody waits, or it takes longer', async ({ world }) => {
    const ada = await world.register()
    for (const headers of [{}, { prefer: 'wait=0' }] as Record<string, string>[]) {
      const answer = await resize(world, ada, { headers })
      expect(answer).toMatchObject({ status: 202, body: { job: { kind: 'image.resize', state: 'queued' } } })
      expect(answer.headers['location']).toBe(`/jobs/${answer.body.job.id}`)
    }
    const late = await resize(world, ada, { headers: { prefer: 'wait=1' } })
    expect(late).toMatchObject({ status: 202, headers: { 'preference-applied': 'wait=1' } })
  })

  test('says why what is no picture was not resized', async ({ world }) => {
    const ada = await world.register()
    const answer = await whileWorking(world, resize(world, ada, { body: Buffer.from('no picture') }))
    expect(answer).toMatchObject({ status: 422, body: { code: 'JOB_FAILED' } })
    expect(answer.body.detail).toMatch(/can't be read as a picture/)
  })

  test('names the field that is wrong, and stores nothing then', async ({ world }) => {
    const ada = await world.register()
    const cases = [
      ['', 'width'],
      ['width=0', 'width'],
      ['width=ten', 'width'],
      ['width=9000', 'width'],
      ['width=10&fit=tight', 'fit'],
      ['width=10&format=bmp', 'format'],
      ['width=10&format=png&quality=50', 'quality'],
      ['width=10&colour=red', 'colour'],
    ]
    for (const [query = '', path] of cases) {
      expect(await resize(world, ada, { query }), query).toMatchObject({ status: 422, body: { errors: [{ path }] } })
    }
    const [{ count }] = await world.sql<[{ count: number }]>`SELECT count(*)::int AS count FROM files`
    expect(count).toBe(0)
  })

  test('is for maintainers', async ({ world }) => {
    const [ada, vera] = [await world.register(), await world.register('Vera')]
    const path = `/projects/${ada.projectId}/members/${vera.userId}`
    await world.http('PUT', path, { token: ada.accessToken, body: { role: 'viewer' } })
    const query = `width=10&projectId=${ada.projectId}`
    expect(await resize(world, vera, { query })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    const stranger = await world.register('Sam')
    expect(await resize(world, stranger, { query })).toMatchObject({ status: 404 })
  })
})

describe('POST /jobs with Prefer: wait', () => {
  const submit = (world: World, token: string, prefer: string, input: object = {}) =>
    world.http('POST', '/jobs', { token, body: { kind: 'debug.noop', input }, headers: { prefer } })

  const submitOnce = (world: World, token: string, prefer: string) =>
    world.http('POST', '/jobs', {
      token,
      body: { kind: 'debug.noop', input: {} },
      headers: { prefer, 'idempotency-key': 'once' },
    })

  test('answers with the finished job', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const answer = await whileWorking(world, submit(world, token, 'respond-async, wait=15', { echo: 'hello' }))
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'preference-applied': 'wait=15' },
      body: { job: { state: 'succeeded', result: { echo: 'hello' } } },
    })
    expect(answer.headers['location']).toBe(`/jobs/${answer.body.job.id}`)
  })

  test('answers with the job as it stands when it takes longer', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const answer = await submit(world, token, 'wait=1')
    expect(answer).toMatchObject({ status: 202, headers: { 'preference-applied': 'wait=1' } })
    expect(answer.body.job.state).toBe('queued')
  })

  test('does not wait for what says nothing of the kind', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { status, headers } = await submit(world, token, 'wait=forever')
    expect(status).toBe(202)
    expect(headers).not.toHaveProperty('preference-applied')
  })

  test('does not wait for a job that was deleted', async ({ world }) => {
    const { accessToken: token } = await world.register()
    await submitOnce(world, token, 'wait=0')
    await world.sql`DELETE FROM jobs`
    expect(await submitOnce(world, token, 'wait=20')).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } })
  }, 15_000)

  test('waits for the job of an idempotency key too', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const first = await submitOnce(world, token, 'wait=0')
    expect(first.status).toBe(202)
    const second = await whileWorking(world, submitOnce(world, token, 'wait=20'))
    expect(second).toMatchObject({ status: 200, headers: { 'idempotency-replayed': 'true' } })
    expect(second.body.job).toMatchObject({ id: first.body.job.id, state: 'succeeded' })
  })
})
