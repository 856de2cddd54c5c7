import { createHash } from 'node:crypto'
import { describe, expect } from 'vitest'
import { lambdaContext } from '../../tests/support/lambda-context.ts'
import { type Person, test, type World } from '../../tests/support/world.ts'
import { handler as connect } from '../websocket/connect.ts'
import { handler as disconnect } from '../websocket/disconnect.ts'
import { handler as message } from '../websocket/message.ts'

type Missed = { type: string; jobId: string; seq: number }

const newTicket = async ({ http }: World, { accessToken: token }: Person): Promise<string> =>
  (await http('POST', '/live/tickets', { token })).body.ticket

/** An event of the WebSocket API. */
const socketEvent = (connectionId: string, rest: object = {}) =>
  ({ requestContext: { connectionId }, isBase64Encoded: false, ...rest }) as Parameters<typeof connect>[0]

const open = async (world: World, ticket: string, connectionId = 'one'): Promise<number> => {
  const event = socketEvent(connectionId, { queryStringParameters: { ticket } })
  const { statusCode } = (await connect(event, lambdaContext(world.app, 15))) as { statusCode: number }
  return statusCode
}

const say = async (world: World, body: string, connectionId = 'one') => {
  const answer = (await message(socketEvent(connectionId, { body }), lambdaContext(world.app, 15))) as { body: string }
  return JSON.parse(answer.body)
}
const ping = (world: World, connectionId?: string) => say(world, '{"type":"ping"}', connectionId)

const submit = async ({ http }: World, { accessToken: token }: Person, body: object = {}): Promise<string> =>
  (await http('POST', '/jobs', { token, body: { kind: 'debug.noop', input: {}, ...body } })).body.job.id

const missed = async ({ http }: World, { accessToken: token }: Person, after?: string) =>
  (await http('GET', `/live/events${after ? `?after=${after}` : ''}`, { token })).body as {
    events: Missed[]
    after: string
    hasMore: boolean
    reset: boolean
  }
const short = (events: Missed[]) => events.map((it) => `${it.type} ${it.jobId} ${it.seq}`)

describe('a ticket', () => {
  test('opens one connection, whoever comes with it twice or at the same time', async ({ world }) => {
    const ada = await world.register()
    const answer = await world.http('POST', '/live/tickets', { token: ada.accessToken })
    expect(answer).toMatchObject({ status: 201, body: { expiresInSeconds: 30 } })
    expect(answer.body.url).toBe(`ws://api.test/live?ticket=${answer.body.ticket}`)
    const statuses = await Promise.all(['a', 'b', 'c'].map((id) => open(world, answer.body.ticket, id)))
    expect(statuses.toSorted()).toEqual([200, 401, 401])
    expect(await open(world, answer.body.ticket, 'd')).toBe(401)
  })

  test('is stored as a hash, and is of no use after 30 s', async ({ world }) => {
    const ticket = await newTicket(world, await world.register())
    const rows = await world.sql<{ tokenHash: Buffer }[]>`SELECT * FROM live_tickets`
    expect(rows.map((row) => row.tokenHash)).toEqual([createHash('sha256').update(ticket).digest()])
    await world.sql`UPDATE live_tickets SET expires_at = expires_at - interval '31 seconds'`
    expect(await open(world, ticket)).toBe(401)
    expect(await world.sql`SELECT FROM live_tickets`).toHaveLength(0)
  })

  test('that nobody gave out opens nothing', async ({ world }) => {
    for (const ticket of ['', 'x', 'A'.repeat(43), "' OR true --"]) expect(await open(world, ticket)).toBe(401)
    expect(await world.sql`SELECT FROM live_connections`).toHaveLength(0)
  })

  test('and its connection end with the session that they were given in', async ({ world }) => {
    const ada = await world.register()
    const [used, unused] = [await newTicket(world, ada), await newTicket(world, ada)]
    expect(await open(world, used)).toBe(200)
    expect(await ping(world)).toMatchObject({ type: 'pong', secondsLeft: expect.closeTo(7_200, -2) })
    await world.http('POST', '/auth/logout', { body: { refreshToken: ada.refreshToken } })
    expect(await ping(world)).toEqual({ type: 'reconnect' })
    expect(await open(world, unused, 'two')).toBe(401)
    const headers = { 'www-authenticate': 'Bearer error="invalid_token"' }
    expect(await world.http('POST', '/live/tickets', { token: ada.accessToken })).toMatchObject({
      status: 401,
      headers,
    })
  })

  test('opens a person’s hundredth connection and no more, however many tickets there are', async ({ world }) => {
    const [ada, grace] = [await world.register(), await world.register('Grace')]
    const tickets = [await newTicket(world, ada), await newTicket(world, ada), await newTicket(world, ada)]
    await world.sql`
      INSERT INTO live_connections (id, user_id, ends_at)
      SELECT 'ada ' || n, ${ada.userId}, now() + (n - 1) * interval '1 hour' FROM generate_series(1, 100) AS n`
    expect(await open(world, tickets[0] ?? '', 'ada')).toBe(200)
    expect(await open(world, tickets[1] ?? '', 'late')).toBe(409)
    expect(await ping(world, 'late')).toEqual({ type: 'reconnect' })
    const refused = await world.http('POST', '/live/tickets', { token: ada.accessToken })
    expect(refused).toMatchObject({ status: 409, body: { code: 'LIMIT_REACHED' } })
    for (const id of ['ada', 'ada 2', 'ada 100']) expect(await ping(world, id)).toMatchObject({ type: 'pong' })
    expect(await open(world, await newTicket(world, grace), 'grace')).toBe(200)
    await disconnect(socketEvent('ada 2'), lambdaContext(world.app, 15))
    expect(await open(world, tickets[2] ?? '', 'next')).toBe(200)
  })

  test('goes to a WebSocket API of its own where there is one', async ({ world }) => {
    const ada = await world.register()
    const live = { url: 'wss://abc.example.com/dev', managementUrl: undefined }
    const app = { ...world.app, config: { ...world.app.config, live } }
    const { call } = await import('../../tests/support/http-client.ts')
    const { body } = await call(app, 'POST', '/live/tickets', { token: ada.accessToken })
    expect(body.url).toBe(`wss://abc.example.com/dev?ticket=${body.ticket}`)
  })
})

describe('a connection', () => {
  test('is told to come again when it is unknown, and what was wrong with what it sent', async ({ world }) => {
    expect(await ping(world, 'nobody')).toEqual({ type: 'reconnect' })
    for (const body of ['', 'hello', '{}', '{"type":"pong"}', '[]', 'null']) {
      expect(await say(world, body)).toEqual({ type: 'error', message: 'expected {"type":"ping"}' })
    }
  })

  test('is forgotten when it was closed', async ({ world }) => {
    await open(world, await newTicket(world, await world.register()))
    await disconnect(socketEvent('one'), lambdaContext(world.app, 15))
    await disconnect(socketEvent('one'), lambdaContext(world.app, 15))
    expect(await world.sql`SELECT FROM live_connections`).toHaveLength(0)
  })

  test('is removed by the hourly prune when it has ended, like tickets that nobody used', async ({ world }) => {
    const ada = await world.register()
    await open(world, await newTicket(world, ada))
    await newTicket(world, ada)
    await world.sql`UPDATE live_connections SET ends_at = now() - interval '1 second'`
    await world.sql`UPDATE live_tickets SET expires_at = now() - interval '1 second'`
    expect(await ping(world)).toEqual({ type: 'reconnect' })
    const { prune } = await import('../../lib/schedule/prune.ts')
    await prune(world.app)
    expect(await world.sql`SELECT FROM live_connections`).toHaveLength(0)
    expect(await world.sql`SELECT FROM live_tickets`).toHaveLength(0)
  })
})

describe('GET /live/events', () => {
  test('gives what happened since, once, to members and to nobody else', async ({ world }) => {
    const [ada, bob] = [await world.register('Ada'), await world.register('Bob')]
    await submit(world, ada)
    const begin = await missed(world, ada)
    expect(begin).toMatchObject({ events: [], hasMore: false, reset: false })
    const job = await submit(world, ada)
    const news = await missed(world, ada, begin.after)
    expect(short(news.events)).toEqual([`job.queued ${job} 1`])
    expect((await missed(world, ada, news.after)).events).toEqual([])
    expect((await missed(world, bob, begin.after)).events).toEqual([])
    await world.http('POST', `/projects/${ada.projectId}/members`, {
      token: ada.accessToken,
      body: { email: bob.email, role: 'viewer' },
    })
    expect(short((await missed(world, bob, begin.after)).events)).toEqual([`job.queued ${job} 1`])
    const token = bob.accessToken
    const path = `/live/events?after=${begin.after}&projectId=`
    expect((await world.http('GET', `${path}${bob.projectId}`, { token })).body.events).toEqual([])
    expect((await world.http('GET', `${path}${ada.projectId}`, { token })).body.events).toHaveLength(1)
  })

  test('gives an API key the events of its own project, and no ticket, which would open those of all', async ({
    world,
  }) => {
    const ada = await world.register()
    const { accessToken: token, projectId } = ada
    const { body: other } = await world.http('POST', '/projects', { token, body: { name: 'Other' } })
    const key = await world.http('POST', `/projects/${projectId}/api-keys`, {
      token,
      body: { name: 'Robot', scopes: ['jobs:read'] },
    })
    const robot = { ...ada, accessToken: key.body.secret }
    const begin = await missed(world, robot)
    const mine = await submit(world, ada)
    await submit(world, ada, { projectId: other.project.id })
    expect(short((await missed(world, robot, begin.after)).events)).toEqual([`job.queued ${mine} 1`])
    const path = `/live/events?projectId=${other.project.id}`
    expect(await world.http('GET', path, { token: key.body.secret })).toMatchObject({ status: 404 })
    expect(await world.http('POST', '/live/tickets', { token: key.body.secret })).toMatchObject({
      status: 403,
      body: { code: 'SCOPE_MISSING' },
    })
  })

  test('passes over nothing that commits late with an early number', async ({ world }) => {
    const ada = await world.register()
    const begin = await missed(world, ada)
    const [written, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = world.sql.begin(async (tx) => {
      await tx`
        INSERT INTO events (job_id, project_id, seq, type) VALUES (${ada.userId}, ${ada.projectId}, 1, 'job.queued')`
      written.resolve()
      await late.promise
    })
    await written.promise
    const quick = await submit(world, ada)
    const first = await missed(world, ada, begin.after)
    expect(first.events.map((it) => it.jobId)).toEqual([quick])
    const second = await missed(world, ada, first.after)
    expect(second.events).toEqual([])
    late.resolve()
    await slow
    const third = await missed(world, ada, second.after)
    expect(third.events.map((it) => it.jobId)).toEqual([ada.userId])
    expect((await missed(world, ada, third.after)).events).toEqual([])
  })

  test('cuts many events into pages that go on where they were, whatever happens meanwhile', async ({ world }) => {
    const ada = await world.register()
    const begin = await missed(world, ada)
    const jobs = Array.from({ length: 2_100 }, () => ({ kind: 'debug.noop', input: {} }))
    const { ids } = (await world.http('POST', '/jobs/batch', { token: ada.accessToken, body: { jobs } })).body
    const later: string[] = []
    const events: Missed[] = []
    let page = { ...begin, hasMore: true }
    for (let pages = 0; page.hasMore; pages++) {
      expect(pages).toBeLessThan(4)
      page = await missed(world, ada, page.after)
      events.push(...page.events)
      later.push(await submit(world, ada))
    }
    expect(new Set(events.map((it) => it.jobId))).toEqual(new Set(ids))
    expect(events).toHaveLength(2_100)
    expect((await missed(world, ada, page.after)).events.map((it) => it.jobId)).toEqual(later)
  })

  test('keeps its pages far below what a function can answer', async ({ world }) => {
    const ada = await world.register()
    const begin = await missed(world, ada)
    await world.sql`
      INSERT INTO events (job_id, project_id, seq, type, data)
      SELECT gen_random_uuid(), ${ada.projectId}, 1, 'job.failed', jsonb_build_object('error', repeat('x', 300000))
      FROM generate_series(1, 20)`
    let [page, count] = [{ ...begin, hasMore: true }, 0]
    for (; page.hasMore; count += page.events.length) {
      page = await missed(world, ada, page.after)
      expect(JSON.stringify(page).length).toBeLessThan(3_000_000)
    }
    expect(count).toBe(20)
  })

  test('resets who was away for over an hour, or comes from another database', async ({ world }) => {
    const ada = await world.register()
    const { after } = await missed(world, ada)
    await submit(world, ada)
    const [atSeconds, seen = ''] = after.split('~')
    const old = await missed(world, ada, `${Number(atSeconds) - 3_601}~${seen}`)
    expect(old).toMatchObject({ events: [], reset: true, hasMore: false })
    expect((await missed(world, ada, old.after)).reset).toBe(false)
    const ahead = seen.split('.').map((xid) => Number(xid) + 1_000_000)
    expect(await missed(world, ada, `${atSeconds}~${ahead.join('.')}`)).toMatchObject({ events: [], reset: true })
  })

  test('refuses a position that it never gave', async ({ world }) => {
    const { accessToken: token } = await world.register()
    for (const after of ['', 'x', '1~2', '1~2.1', '1~9999999999999999999.9', '1~1.2.3-x']) {
      const { status, body } = await world.http('GET', `/live/events?after=${after}`, { token })
      expect([status, body.errors], after).toEqual([
        422,
        [{ path: 'after', message: 'expected the after of an earlier answer' }],
      ])
    }
  })
})
