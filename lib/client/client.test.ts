import { describe, expect } from 'vitest'
import type { Api } from '../../functions/http/api.ts'
import { inProcessFetch } from '../../tests/support/in-process-fetch.ts'
import { test, type World } from '../../tests/support/world.ts'
import { type Client, createClient } from './client.ts'
import { fixed, type Refreshing, refreshing, type Tokens } from './credentials.ts'
import { ProblemError, UnreachableError } from './problem-error.ts'

const baseUrl = 'http://api.test'

/** A client of somebody who has just registered, and what it asked for so far. */
const signedIn = async ({ app, register }: World) => {
  const asked: string[] = []
  const kept: (Tokens | undefined)[] = []
  const counted: typeof fetch = (input, init) => {
    asked.push(`${init?.method} ${String(input).slice(baseUrl.length)}`)
    return inProcessFetch(app)(input, init)
  }
  const onChange = (tokens: Tokens | undefined) => void kept.push(tokens)
  const credentials: Refreshing = refreshing({ baseUrl, fetch: counted, tokens: await register(), onChange })
  const client: Client<Api> = createClient<Api>({ baseUrl, fetch: counted, credentials })
  return { client, credentials, asked, kept }
}

const submit = (client: Client<Api>, echo: number) =>
  client.call('POST /jobs', { body: { kind: 'debug.noop', input: { echo } } })

/** The problem that something is refused with. */
const problemOf = async (refused: Promise<unknown>): Promise<ProblemError> => {
  const error = await refused.then(
    () => undefined,
    (it: unknown) => it,
  )
  if (error instanceof ProblemError) return error
  throw new Error('expected a problem', { cause: error })
}

describe('a call', () => {
  test('gives the body that the route declares, by its types', async ({ world }) => {
    const { client } = await signedIn(world)
    const { job } = await submit(client, 1)
    const found = await client.call('GET /jobs/{jobId}', { params: { jobId: job.id } })
    expect(found.job.input).toEqual({ steps: 0, stepMs: 0, echo: 1 })
    const state: 'blocked' | 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' = found.job.state
    expect(state).toBe('queued')
    expect(await client.call('POST /auth/logout', { body: { refreshToken: 'unknown' } })).toBeUndefined()
  })

  test('that does not fit the declaration does not compile', async ({ world }) => {
    const { client } = await signedIn(world)
    const wrong = [
      // @ts-expect-error no such route
      () => client.call('GET /nothing'),
      // @ts-expect-error no jobId
      () => client.call('GET /jobs/{jobId}'),
      // @ts-expect-error no such state
      () => client.call('GET /jobs', { query: { state: 'lost' } }),
      // @ts-expect-error no kind
      () => client.call('POST /jobs', { body: { input: {} } }),
      // @ts-expect-error a raw body without its content type
      () => client.call('POST /files', { query: { name: 'a.txt' }, body: 'a' }),
    ]
    expect(wrong).toHaveLength(5)
  })

  test('sends a raw body with its content type, and gives a document as it comes', async ({ world }) => {
    const { client } = await signedIn(world)
    const call = { query: { name: 'ä & b.txt' }, body: new Blob(['hello']), contentType: 'text/plain' }
    const { file } = await client.call('POST /files', call)
    expect(file).toMatchObject({ name: 'ä & b.txt', contentType: 'text/plain', sizeBytes: 5 })
    const health = await client.response('GET /health')
    expect(await health.json()).toMatchObject({ status: 'ok' })
  })

  test('with an idempotency key may be repeated, and the answer tells', async ({ world }) => {
    const { client } = await signedIn(world)
    const call = { body: { kind: 'debug.noop', input: {} }, idempotencyKey: 'once' }
    const [first, second] = [await client.answer('POST /jobs', call), await client.answer('POST /jobs', call)]
    expect(second.body.job.id).toBe(first.body.job.id)
    expect([first.headers.get('idempotency-replayed'), second.headers.get('idempotency-replayed')]).toEqual([
      null,
      'true',
    ])
  })

  test('that is aborted throws what the signal says', async ({ world }) => {
    const { client } = await signedIn(world)
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(client.call('GET /jobs', { signal })).rejects.toThrow('enough')
  })
})

describe('a refusal', () => {
  test('is an error with the code, the fields and the request id', async ({ world }) => {
    const { client } = await signedIn(world)
    const problem = await problemOf(client.call('POST /jobs', { body: { kind: 'math.pi', input: { digits: 0 } } }))
    expect(problem).toMatchObject({
      status: 422,
      code: 'VALIDATION_FAILED',
      errors: [{ path: 'input.digits', message: 'Too small: expected number to be >=1' }],
    })
    expect(problem.requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('by something between here and the API has no code', async () => {
    const gateway: typeof fetch = async () => new Response('<h1>busy', { status: 503, headers: { 'retry-after': '7' } })
    const client = createClient<Api>({ baseUrl, fetch: gateway })
    expect(await problemOf(client.call('GET /health'))).toMatchObject({
      status: 503,
      code: undefined,
      retryAfterSeconds: 7,
    })
  })

  test('of a wrong password is no reason for another token', async ({ world }) => {
    const { client, asked } = await signedIn(world)
    const problem = await problemOf(
      client.call('POST /auth/login', { body: { email: 'nobody@example.com', password: 'wrong' } }),
    )
    expect(problem.code).toBe('INVALID_CREDENTIALS')
    expect(asked).not.toContain('POST /auth/refresh')
  })

  test('by nobody is an unreachable API', async () => {
    const offline: typeof fetch = async () => {
      throw new TypeError('fetch failed')
    }
    const client = createClient<Api>({ baseUrl, fetch: offline })
    await expect(client.call('GET /health')).rejects.toThrow(UnreachableError)
  })
})

describe('an answer that breaks off', () => {
  async function* begun() {
    yield new TextEncoder().encode('{"status":')
    throw new TypeError('terminated')
  }
  const breaking =
    (status: number, contentType: string): typeof fetch =>
    async () =>
      new Response(ReadableStream.from(begun()), { status, headers: { 'content-type': contentType } })

  test.for([
    [200, 'application/json'],
    [503, 'application/problem+json'],
  ] as const)('is none, whatever it was (%i)', async ([status, contentType]) => {
    const client = createClient<Api>({ baseUrl, fetch: breaking(status, contentType) })
    await expect(client.call('GET /health')).rejects.toThrow(UnreachableError)
  })

  test('does not end the session that it was to continue', async () => {
    const tokens = { accessToken: 'a', refreshToken: 'r' }
    const credentials = refreshing({ baseUrl, tokens, fetch: breaking(200, 'application/json') })
    await expect(credentials.renew('a')).rejects.toThrow(UnreachableError)
    expect(credentials.refreshToken()).toBe('r')
  })
})

describe('an access token that has expired', () => {
  test('is exchanged once for all requests that wait for it', async ({ world }) => {
    const { client, asked, kept } = await signedIn(world)
    world.advance(901)
    await Promise.all(Array.from({ length: 5 }, () => client.call('GET /jobs')))
    expect(asked.filter((it) => it === 'POST /auth/refresh')).toHaveLength(1)
    expect(kept).toHaveLength(1)
    world.advance(901)
    await client.call('GET /jobs')
    expect(kept).toHaveLength(2)
  })

  test('ends the session when its refresh token is refused', async ({ world }) => {
    const { client, credentials, kept } = await signedIn(world)
    await client.call('POST /auth/logout', { body: { refreshToken: credentials.refreshToken() ?? '' } })
    world.advance(901)
    expect((await problemOf(client.call('GET /jobs'))).code).toBe('UNAUTHENTICATED')
    expect(kept).toEqual([undefined])
    expect(credentials.current()).toBeUndefined()
  })

  test('does not end the session when the API is away for a moment', async ({ world }) => {
    const tokens = await world.register()
    const kept: unknown[] = []
    const away: typeof fetch = async (input, init) =>
      String(input).endsWith('/auth/refresh')
        ? new Response('', { status: 503 })
        : inProcessFetch(world.app)(input, init)
    const credentials = refreshing({ baseUrl, tokens, fetch: away, onChange: (it) => void kept.push(it) })
    const client = createClient<Api>({ baseUrl, fetch: away, credentials })
    world.advance(901)
    expect((await problemOf(client.call('GET /jobs'))).status).toBe(503)
    expect([kept, credentials.current()]).toEqual([[], tokens.accessToken])
  })

  test('says that the API is unreachable when nobody answers the exchange', async ({ world }) => {
    const cut: typeof fetch = async (input, init) => {
      if (String(input).endsWith('/auth/refresh')) throw new TypeError('fetch failed')
      return inProcessFetch(world.app)(input, init)
    }
    const credentials = refreshing({ baseUrl, tokens: await world.register(), fetch: cut })
    const client = createClient<Api>({ baseUrl, fetch: cut, credentials })
    world.advance(901)
    await expect(client.call('GET /jobs')).rejects.toThrow(UnreachableError)
  })

  test('that stays what it is, is refused as it is', async ({ world }) => {
    const client = createClient<Api>({ baseUrl, fetch: inProcessFetch(world.app), credentials: fixed('stale') })
    expect((await problemOf(client.call('GET /jobs'))).code).toBe('UNAUTHENTICATED')
  })
})

test('a list is taken page by page, as far as somebody looks', async ({ world }) => {
  const { client, asked } = await signedIn(world)
  for (let nth = 0; nth < 5; nth++) await submit(client, nth)
  const ids: string[] = []
  for await (const job of client.each('GET /jobs', { query: { limit: 2 } })) ids.push(job.id)
  expect(new Set(ids).size).toBe(5)
  expect(ids).toEqual(ids.toSorted().reverse())
  asked.length = 0
  for await (const _ of client.each('GET /jobs', { query: { limit: 2 } })) break
  expect(asked).toEqual(['GET /jobs?limit=2'])
})
