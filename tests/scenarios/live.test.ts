import { describe, expect, onTestFinished } from 'vitest'
import type { Api } from '../../functions/http/api.ts'
import { type Client, createClient } from '../../lib/client/client.ts'
import { fixed } from '../../lib/client/credentials.ts'
import { type FollowOptions, follow, type LiveEvent, type LiveState } from '../../lib/client/live.ts'
import { type LiveHost, startLiveHost } from '../support/live-host.ts'
import { work } from '../support/worker-run.ts'
import { type Person, test, type World } from '../support/world.ts'

// People who follow their jobs through the host's own parts: HTTP, WebSockets, the outbox, Kafka, @connections.

interface Follower {
  client: Client<Api>
  heard: LiveEvent[]
  states: LiveState[]
  following: ReturnType<typeof follow>
}

const start = async (world: World): Promise<LiveHost> => {
  const host = await startLiveHost(world)
  onTestFinished(() => host.stop())
  return host
}

const followerOf = async ({ url }: LiveHost, { accessToken }: Person, given: Partial<FollowOptions> = {}) => {
  const client = createClient<Api>({ baseUrl: url, credentials: fixed(accessToken) })
  const heard: LiveEvent[] = []
  const states: LiveState[] = []
  const following = follow({
    ticket: () => client.call('POST /live/tickets'),
    missed: (after) => client.call('GET /live/events', { query: { after } }),
    onEvents: (events) => void heard.push(...events),
    onState: (state) => void states.push(state),
    times: { pollMs: 100, minBackoffMs: 10 },
    ...given,
  })
  onTestFinished(() => following.stop())
  await following.ready
  const follower: Follower = { client, heard, states, following }
  return follower
}

const isLive = ({ following }: Follower) => expect.poll(() => following.state).toBe('live')

const submit = async ({ client }: Follower, input: object = {}): Promise<string> =>
  (await client.call('POST /jobs', { body: { kind: 'debug.noop', input } })).job.id

const short = (events: LiveEvent[]) => events.map((it) => `${it.jobId}:${it.seq}`)

/** What the timelines of the jobs hold, in the order of each. */
const timelines = async (world: World, jobIds: string[]) => {
  const rows = await world.sql<{ jobId: string; seq: number }[]>`
    SELECT job_id, seq FROM events WHERE job_id = ANY (${jobIds}) ORDER BY seq`
  return Object.fromEntries(jobIds.map((id) => [id, rows.filter((row) => row.jobId === id).map((row) => row.seq)]))
}
const heardTimelines = (heard: LiveEvent[], jobIds: string[]) =>
  Object.fromEntries(jobIds.map((id) => [id, heard.filter((it) => it.jobId === id).map((it) => it.seq)]))

test('a person hears of their own jobs, in order, and of nobody else’s', async ({ world }) => {
  const host = await start(world)
  const [ada, bob] = await Promise.all([
    followerOf(host, await world.register('Ada')),
    followerOf(host, await world.register('Bob')),
  ])
  await Promise.all([isLive(ada), isLive(bob)])
  const mine = await submit(ada, { steps: 3, stepMs: 1 })
  const theirs = await submit(bob)
  await work(host.app, 'default')
  await expect.poll(() => [ada, bob].map(({ heard }) => heard.at(-1)?.type)).toEqual(['job.succeeded', 'job.succeeded'])
  expect(heardTimelines(ada.heard, [mine])).toEqual(await timelines(world, [mine]))
  expect(new Set(ada.heard.map((it) => it.jobId))).toEqual(new Set([mine]))
  expect(new Set(bob.heard.map((it) => it.jobId))).toEqual(new Set([theirs]))
  expect(ada.heard[0]).toMatchObject({ type: 'job.queued', seq: 1, data: { kind: 'debug.noop' } })
})

test('connections that break at random while jobs run lose nothing and repeat nothing', async ({ world }) => {
  const host = await start(world)
  const ada = await followerOf(host, await world.register('Ada'))
  const ids: string[] = []
  let isOver = false
  const running = (async () => {
    while (!isOver) await work(host.app, 'default')
  })()
  for (let round = 0; round < 25; round++) {
    ids.push(...(await Promise.all([1, 2, 3, 4].map((n) => submit(ada, { steps: n, stepMs: 5 })))))
    for (const { socket } of host.connections.all()) {
      if (Math.random() < 0.5) socket.terminate()
      else if (Math.random() < 0.3) socket.close(1_001)
    }
  }
  const ended = () => ada.heard.filter((it) => it.type === 'job.succeeded').length
  await expect.poll(ended).toBe(ids.length)
  isOver = true
  await running
  expect(heardTimelines(ada.heard, ids)).toEqual(await timelines(world, ids))
  expect(new Set(short(ada.heard)).size).toBe(ada.heard.length)
})

test('who was away goes on from where they were, in another process too', async ({ world }) => {
  const host = await start(world)
  const person = await world.register('Ada')
  const first = await followerOf(host, person)
  const before = await submit(first)
  await expect.poll(() => first.heard.length).toBe(1)
  // Until it is covered by the position, another process would hear of it again.
  first.following.wake()
  const { after } = first.following
  await expect.poll(() => first.following.after).not.toBe(after)
  first.following.stop()
  await work(host.app, 'default')
  const second = await followerOf(host, person, { after: first.following.after })
  await expect.poll(() => second.heard.length).toBe(2)
  expect(heardTimelines(second.heard, [before])).toEqual({ [before]: [2, 3] })
})

describe('whoever may see them no more hears no more', () => {
  test('a member who was removed', async ({ world }) => {
    const host = await start(world)
    const owner = await world.register('Ada')
    const ada = await followerOf(host, owner)
    const member = await world.register('Bob')
    const bob = await followerOf(host, member)
    await isLive(bob)
    const body = { userId: member.userId, email: member.email, role: 'viewer' as const }
    const params = { projectId: owner.projectId }
    await ada.client.call('POST /projects/{projectId}/members', {
      params,
      body: { email: body.email, role: body.role },
    })
    const seen = await submit(ada)
    await expect.poll(() => bob.heard.length).toBe(1)
    await ada.client.call('DELETE /projects/{projectId}/members/{userId}', {
      params: { ...params, userId: member.userId },
    })
    const hidden = await submit(ada)
    await expect.poll(() => ada.heard.length).toBe(2)
    const own = await submit(bob)
    await expect.poll(() => bob.heard.length).toBe(2)
    expect(bob.heard.map((it) => it.jobId)).toEqual([seen, own])
    expect(hidden).not.toBe(own)
  })

  test('a session that was ended', async ({ world }) => {
    const host = await start(world)
    const person = await world.register('Ada')
    const ended = await followerOf(host, person, { times: { checkMs: 60_000 } })
    await isLive(ended)
    const { body } = await world.http('POST', '/auth/login', {
      body: { email: person.email, password: person.password },
    })
    const other = await followerOf(host, { ...person, accessToken: body.accessToken })
    await isLive(other)
    await world.http('POST', '/auth/logout', { body: { refreshToken: person.refreshToken } })
    await submit(other)
    await expect.poll(() => other.heard.length).toBe(1)
    expect(ended.heard).toEqual([])
  })
})

test('without a WebSocket it polls, says so, and goes back when one can be had', async ({ world }) => {
  const host = await start(world)
  let isBlocked = true
  const blocked = class extends WebSocket {
    constructor(url: string) {
      super(isBlocked ? 'ws://127.0.0.1:1/' : url)
    }
  } as typeof WebSocket
  const ada = await followerOf(host, await world.register('Ada'), { WebSocket: blocked })
  await expect.poll(() => ada.following.state).toBe('polling')
  const polled = await submit(ada)
  await expect.poll(() => ada.heard.length).toBe(1)
  isBlocked = false
  await isLive(ada)
  const pushed = await submit(ada)
  await expect.poll(() => ada.heard.length).toBe(2)
  expect(ada.heard.map((it) => it.jobId)).toEqual([polled, pushed])
  expect(ada.states).toEqual(['polling', 'live'])
})

test('whoever comes back after a break asks for a while as well: what broke it may push nothing yet', async ({
  world,
}) => {
  const host = await start(world)
  const person = await world.register('Ada')
  const client = createClient<Api>({ baseUrl: host.url, credentials: fixed(person.accessToken) })
  let asked = 0
  const ada = await followerOf(host, person, {
    missed: (after) => {
      asked++
      return client.call('GET /live/events', { query: { after } })
    },
    times: { pollMs: 100, minBackoffMs: 10, settleMs: 600_000 },
  })
  await isLive(ada)
  for (const { socket } of host.connections.all()) socket.terminate()
  await expect.poll(() => ada.states).toEqual(['live', 'connecting', 'live'])
  asked = 0
  await expect.poll(() => asked).toBeGreaterThanOrEqual(5)
  expect(ada.following.state).toBe('live')
})

test('a connection that is to end is replaced before it does', async ({ world }) => {
  const host = await start(world)
  const ada = await followerOf(host, await world.register('Ada'), { times: { silenceMs: 20, pollMs: 100 } })
  await isLive(ada)
  const [old] = host.connections.all()
  await world.sql`UPDATE live_connections SET ends_at = now() + interval '100 seconds' WHERE id = ${old?.id ?? ''}`
  await expect.poll(() => host.connections.all().map(({ id }) => id)).not.toContain(old?.id)
  expect(host.connections.all()).toHaveLength(1)
  expect(ada.states).toEqual(['live'])
})

test('an API key follows by asking, and one that may not read jobs learns so', async ({ world }) => {
  const host = await start(world)
  const person = await world.register('Ada')
  const keyWith = async (scope: string): Promise<string> => {
    const body = { name: scope, scopes: [scope] }
    const path = `/projects/${person.projectId}/api-keys`
    return (await world.http('POST', path, { token: person.accessToken, body })).body.secret
  }
  const robot = await followerOf(host, { ...person, accessToken: await keyWith('jobs:write') })
  const job = await submit(robot)
  await expect.poll(() => robot.heard.length).toBe(1)
  expect([robot.heard[0]?.jobId, robot.states]).toEqual([job, ['polling']])

  const ended = Promise.withResolvers<unknown>()
  const onState = (state: LiveState, error: unknown) => {
    if (state === 'ended') ended.resolve(error)
  }
  const blind = { ...person, accessToken: await keyWith('files:read') }
  await expect(followerOf(host, blind, { onState })).rejects.toThrow('following has ended')
  expect(await ended.promise).toMatchObject({ status: 403, code: 'SCOPE_MISSING' })
})

test('a session that is over ends the following', async ({ world }) => {
  const host = await start(world)
  const person = await world.register('Ada')
  const ada = await followerOf(host, person)
  await isLive(ada)
  await world.http('POST', '/auth/logout', { body: { refreshToken: person.refreshToken } })
  for (const { socket } of host.connections.all()) socket.terminate()
  await expect.poll(() => ada.following.state).toBe('ended')
  expect(host.connections.all()).toEqual([])
})
