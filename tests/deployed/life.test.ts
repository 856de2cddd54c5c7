import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Api } from '../../functions/http/api.ts'
import { createClient } from '../../lib/client/client.ts'
import { follow, type LiveEvent } from '../../lib/client/live.ts'
import { openStage, register, type Somebody, type Stage } from './stage.ts'

// What somebody does with Stint, from outside: on AWS after a deploy, on this machine with the other tests.

const LONG = { timeout: 180_000 }
const PATIENCE = { timeout: 150_000, interval: 250 }

let stage: Stage
let ada: Somebody
beforeAll(async () => {
  stage = await openStage()
  ada = await register(stage)
}, LONG.timeout)
afterAll(async () => {
  // Undefined when it could not be opened, whose error is then the one to read.
  await stage?.stop()
}, 60_000)

const ended = async (jobId: string) => {
  const state = async () => (await ada.client.call('GET /jobs/{jobId}', { params: { jobId } })).job.state
  await expect.poll(state, PATIENCE).toMatch(/succeeded|failed|cancelled/)
  return (await ada.client.call('GET /jobs/{jobId}', { params: { jobId } })).job
}
const noop = (input: object) => ({ body: { kind: 'debug.noop', input } })

test('all parts answer', LONG, async () => {
  // Each component has two seconds, and a function that just starts may need more of them.
  const ask = async () => {
    const { status, components } = await createClient<Api>({ baseUrl: stage.url }).call('GET /health')
    return { status, down: components.filter((it) => it.status === 'down') }
  }
  await expect.poll(ask, { ...PATIENCE, interval: 1_000 }).toEqual({ status: 'ok', down: [] })
})

describe('a person', () => {
  test('signs in, goes on with the refresh token, and signs out', LONG, async () => {
    const { email, password } = ada
    const anyone = createClient<Api>({ baseUrl: stage.url })
    const session = await anyone.call('POST /auth/login', { body: { email, password } })
    const next = await anyone.call('POST /auth/refresh', { body: { refreshToken: session.refreshToken } })
    await anyone.call('POST /auth/logout', { body: { refreshToken: next.refreshToken } })
    await expect(
      anyone.call('POST /auth/refresh', { body: { refreshToken: next.refreshToken } }),
    ).rejects.toMatchObject({ status: 401 })
  })

  test('is let in by nothing but a token', LONG, async () => {
    for (const credentials of [undefined, 'forged']) {
      const headers: Record<string, string> = credentials ? { authorization: `Bearer ${credentials}` } : {}
      const answer = await fetch(`${stage.url}/jobs`, { headers })
      expect([answer.status, answer.headers.get('content-type')]).toEqual([401, 'application/problem+json'])
    }
  })

  test('sees nothing of others', LONG, async () => {
    const { job } = await ada.client.call('POST /jobs', noop({}))
    const bob = await register(stage)
    await expect(bob.client.call('GET /jobs/{jobId}', { params: { jobId: job.id } })).rejects.toMatchObject({
      status: 404,
    })
  })

  test('is told which field is wrong', LONG, async () => {
    await expect(ada.client.call('POST /jobs', noop({ steps: -1 }))).rejects.toMatchObject({
      status: 422,
      errors: [{ path: 'input.steps' }],
    })
  })
})

describe('a job', () => {
  test('comes back with its result, to who waits for it', LONG, async () => {
    const { job } = await ada.client.call('POST /jobs', { ...noop({ echo: 'hello' }), waitSeconds: 20 })
    expect((await ended(job.id)).result).toEqual({ steps: 0, echo: 'hello' })
  })

  test('is stored once, however often it is submitted with one key', LONG, async () => {
    const call = { ...noop({}), idempotencyKey: crypto.randomUUID() }
    const first = await ada.client.call('POST /jobs', call)
    const second = await ada.client.call('POST /jobs', call)
    expect(second.job.id).toBe(first.job.id)
  })

  test('can be one of hundreds, all of which are done', LONG, async () => {
    const jobs = Array.from({ length: 300 }, (_, echo) => ({ ...noop({ echo }).body, tags: ['hundreds'] }))
    const { ids } = await ada.client.call('POST /jobs/batch', { body: { jobs } })
    expect(new Set(ids).size).toBe(300)
    const done = async () => {
      const states: string[] = []
      for await (const job of ada.client.each('GET /jobs', { query: { tag: 'hundreds', limit: 100 } }))
        states.push(job.state)
      return states.filter((state) => state === 'succeeded').length
    }
    await expect.poll(done, { ...PATIENCE, interval: 1_000 }).toBe(300)
  })

  test('waits for the job before it', LONG, async () => {
    const jobs = [
      { ...noop({ steps: 3, stepMs: 100 }).body, name: 'first' },
      { ...noop({}).body, name: 'second', after: ['$first'] },
    ]
    const { ids } = await ada.client.call('POST /jobs/batch', { body: { jobs } })
    const [first, second] = [await ended(ids[0] ?? ''), await ended(ids[1] ?? '')]
    expect([first.state, second.state]).toEqual(['succeeded', 'succeeded'])
    expect(Date.parse(second.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(first.finishedAt ?? ''))
  })

  test('stops when it is cancelled while it runs', LONG, async () => {
    const { job } = await ada.client.call('POST /jobs', noop({ steps: 600, stepMs: 1_000 }))
    const params = { jobId: job.id }
    const state = async () => (await ada.client.call('GET /jobs/{jobId}', { params })).job.state
    await expect.poll(state, PATIENCE).toBe('running')
    await ada.client.call('POST /jobs/{jobId}/cancel', { params })
    expect((await ended(job.id)).state).toBe('cancelled')
  })

  test('is heard of while it runs, each event once and in order', LONG, async () => {
    const heard: LiveEvent[] = []
    const following = follow({
      ticket: () => ada.client.call('POST /live/tickets'),
      missed: (after) => ada.client.call('GET /live/events', { query: { after } }),
      onEvents: (events) => void heard.push(...events),
    })
    try {
      await following.ready
      await vi.waitUntil(() => following.state === 'live', PATIENCE)
      const { job } = await ada.client.call('POST /jobs', noop({ steps: 2, stepMs: 1_500 }))
      const ofJob = () => heard.filter(({ jobId }) => jobId === job.id)
      await vi.waitUntil(() => ofJob().at(-1)?.type === 'job.succeeded', PATIENCE)
      expect(ofJob().map(({ seq }) => seq)).toEqual(ofJob().map((_, index) => index + 1))
      expect(ofJob()[0]?.type).toBe('job.queued')
    } finally {
      following.stop()
    }
  })
})

test('a file comes back as it went in, by the redirect to where it lies', LONG, async () => {
  const bytes = new TextEncoder().encode('model;serial\n0111;1\n')
  const query = { name: 'a.csv' }
  const { file } = await ada.client.call('POST /files', { query, body: bytes, contentType: 'text/csv' })
  const back = await ada.client.response('GET /files/{fileId}', { params: { fileId: file.id } })
  expect(new Uint8Array(await back.arrayBuffer())).toEqual(bytes)
})

test('the dashboard and the documentation are served', LONG, async () => {
  const pages = await Promise.all(
    ['/', '/docs', '/openapi.json'].map(async (path) => {
      const answer = await fetch(`${stage.url}${path}`)
      return [answer.status, answer.headers.get('content-type')?.split(';')[0]]
    }),
  )
  expect(pages).toEqual([
    [200, 'text/html'],
    [200, 'text/html'],
    [200, 'application/json'],
  ])
})
