import type { AnswerOf, AnyApi, CallOf, ItemOf } from './api.ts'
import type { Credentials } from './credentials.ts'
import { ProblemError, UnreachableError } from './problem-error.ts'
import { isSpent, type LooseCall, once, toRequest } from './request.ts'

export interface ClientOptions {
  /** Without a slash at its end; empty in a page that the API itself serves. */
  baseUrl: string
  credentials?: Credentials | undefined
  /** Sent with every request, `user-agent` for example. */
  headers?: Record<string, string> | undefined
  fetch?: typeof fetch | undefined
}

/** What a call needs to be given; nothing at all where the declaration asks for nothing. */
type Given<Call> = object extends Call ? [call?: Call] : [call: Call]

/** The API, as its routes are declared. Everything throws ProblemError, UnreachableError, or what `signal` aborts with. */
export interface Client<Api extends AnyApi> {
  /** The body of the answer. */
  call<K extends keyof Api>(route: K, ...given: Given<CallOf<Api[K]>>): Promise<AnswerOf<Api[K]>['body']>
  /** The whole answer, with status (a 202 is not a 200) and headers (such as `idempotency-replayed`). */
  answer<K extends keyof Api>(route: K, ...given: Given<CallOf<Api[K]>>): Promise<AnswerOf<Api[K]>>
  /** The answer as it comes, for documents and files. Redirects are followed. */
  response<K extends keyof Api>(route: K, ...given: Given<CallOf<Api[K]>>): Promise<Response>
  /** Every item of a list, a page at a time as they are taken. */
  each<K extends keyof Api>(route: K, ...given: Given<CallOf<Api[K]>>): AsyncGenerator<ItemOf<Api[K]>, void, undefined>
}

/**
 * A client of the API that these types describe: `createClient<Api>({ baseUrl })`. It runs in browsers and in Node.
 * A request whose access token is refused is sent once more with another one; requests at the same time wait for it
 * together.
 *
 * @example
 * const { job } = await client.call('POST /jobs', { body: { kind: 'math.pi', input: { digits: 100 } } })
 * for await (const job of client.each('GET /jobs', { query: { state: 'failed' } })) …
 */
export const createClient = <Api extends AnyApi>(options: ClientOptions): Client<Api> => {
  const { credentials, fetch: ask = fetch } = options
  const renew = once(async (refused: string | undefined) => credentials?.renew(refused))

  /** What a connection that fails throws, before the answer or in the middle of it. */
  const asUnreachable =
    (route: string, { signal }: LooseCall) =>
    (error: unknown): never => {
      if (signal?.aborted) throw error
      throw UnreachableError.of(route, options.baseUrl, error)
    }

  const send = async (route: string, call: LooseCall, token: string | undefined): Promise<Response> => {
    const { url, init } = toRequest(route, call, { ...options, token })
    return ask(url, init).catch(asUnreachable(route, call))
  }

  const response = async (route: string, call: LooseCall = {}): Promise<Response> => {
    const token = credentials?.current()
    const first = await send(route, call, token)
    if (first.ok) return first
    const problem = await ProblemError.of(first).catch(asUnreachable(route, call))
    if (!credentials || !isSpent(problem)) throw problem
    const current = credentials.current()
    const next = current === token ? await renew(token) : current
    call.signal?.throwIfAborted()
    if (next === undefined) throw problem
    const second = await send(route, call, next)
    if (!second.ok) throw await ProblemError.of(second).catch(asUnreachable(route, call))
    return second
  }

  const answer = async (route: string, call: LooseCall = {}) => {
    const received = await response(route, call)
    const { status, headers } = received
    if (headers.get('content-type')?.startsWith('application/json')) {
      const body: unknown = await received.json().catch(asUnreachable(route, call))
      return { status, headers, body }
    }
    await received.body?.cancel()
    return { status, headers, body: undefined }
  }

  const each = async function* (route: string, call: LooseCall = {}) {
    for (let cursor: unknown = call.query?.['cursor']; cursor !== null; ) {
      const { body } = await answer(route, { ...call, query: { limit: 100, ...call.query, cursor } })
      const { items, nextCursor } = body as { items: unknown[]; nextCursor: string | null }
      yield* items
      cursor = nextCursor
    }
  }

  const call = async (route: string, given?: LooseCall) => (await answer(route, given)).body
  return { call, answer, response, each } as unknown as Client<Api>
}
