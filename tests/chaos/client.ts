import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Parsed } from '../support/http-client.ts'

export interface Request {
  body?: unknown
  /** Sent unchanged, with its content type, in place of `body`. */
  bytes?: { contentType: string; content: Uint8Array<ArrayBuffer> }
  /** Makes repeats of the request the same request. */
  idempotencyKey?: string
}

export interface Reply {
  status: number
  body: Parsed
}

/** A user with a project of their own, on a stack that breaks all the time. */
export interface Client {
  /** Sends once. Undefined: nobody answered, and nobody knows whether it was done. */
  once(method: string, path: string, request?: Request): Promise<Reply | undefined>
  /** Sends until somebody answers who can. Only for requests that may be done twice. @throws when nobody does */
  patiently(method: string, path: string, request?: Request): Promise<Reply>
}

const PATIENCE_MS = 300_000
const ANSWER_MS = 10_000

export const connect = async (url: string, name: string): Promise<Client> => {
  const account = {
    email: `${name}-${randomBytes(4).toString('hex')}@example.com`,
    password: randomBytes(12).toString('hex'),
  }
  let token = ''

  const ask = async (method: string, path: string, { body, bytes, idempotencyKey }: Request): Promise<Reply> => {
    const contentType = bytes?.contentType ?? (body === undefined ? undefined : 'application/json')
    const content = bytes?.content ?? (body === undefined ? undefined : JSON.stringify(body))
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(contentType && { 'content-type': contentType }),
        ...(idempotencyKey && { 'idempotency-key': idempotencyKey }),
      },
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(content !== undefined && { body: content }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text ? JSON.parse(text) : undefined }
  }

  const once: Client['once'] = (method, path, request = {}) => ask(method, path, request).catch(() => undefined)

  const patiently: Client['patiently'] = async (method, path, request = {}) => {
    for (const deadline = performance.now() + PATIENCE_MS; ; await sleep(50)) {
      const answer = await once(method, path, request)
      if (answer?.status === 401 && token) await signIn('/auth/login')
      else if (answer && answer.status < 500 && answer.status !== 429) return answer
      if (performance.now() > deadline) {
        throw new Error(`${method} ${path} found nobody for ${PATIENCE_MS / 1_000} s: ${JSON.stringify(answer)}`)
      }
    }
  }

  const signIn = async (path: string): Promise<void> => {
    token = ''
    const { email, password } = account
    const body = path === '/auth/login' ? { email, password } : { email, password, name }
    const { body: session } = await patiently('POST', path, { body })
    token = session.accessToken
  }

  await signIn('/auth/register')
  return { once, patiently }
}
