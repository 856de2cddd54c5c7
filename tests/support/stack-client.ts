import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from '../../functions/http/api.ts'
import { createClient } from '../../lib/client/client.ts'
import { fixed } from '../../lib/client/credentials.ts'
import { isAway } from '../../lib/client/problem-error.ts'
import type { Parsed } from './http-client.ts'

/** Somebody who uses a running stack over HTTP, with a project of their own. */
export interface Person {
  submit(kind: string, input: unknown): Promise<string>
  /** The job's id, or undefined when nobody said that it was accepted. */
  trySubmit(kind: string, input: unknown): Promise<string | undefined>
  /** The job; a part that is just away is waited for. */
  job(id: string): Promise<Parsed>
  stintsOf(id: string): Promise<Parsed[]>
  /** The number of the job's latest event. */
  lastEvent(id: string): Promise<number>
  addDeviceModel(code: string): Promise<void>
  /** The stack has another address now. */
  moveTo(url: string): void
}

const PATIENCE_MS = 300_000

export const person = async (stackUrl: string): Promise<Person> => {
  let baseUrl = stackUrl
  const email = `ada-${randomBytes(6).toString('hex')}@example.com`
  const account = { email, password: randomBytes(12).toString('base64url'), name: 'Ada' }
  const { accessToken } = await createClient<Api>({ baseUrl }).call('POST /auth/register', { body: account })
  const client = () => createClient<Api>({ baseUrl, credentials: fixed(accessToken) })

  const submit = async (kind: string, input: unknown): Promise<string> =>
    (await client().call('POST /jobs', { body: { kind, input } })).job.id

  return {
    submit,
    trySubmit: (kind, input) => submit(kind, input).catch(() => undefined),
    job: async (jobId) => (await patiently(() => client().call('GET /jobs/{jobId}', { params: { jobId } }))).job,
    stintsOf: (jobId) =>
      patiently(() => Array.fromAsync(client().each('GET /jobs/{jobId}/stints', { params: { jobId } }))),
    lastEvent: async (jobId) => {
      const events = () => Array.fromAsync(client().each('GET /jobs/{jobId}/events', { params: { jobId } }))
      return (await patiently(events)).at(-1)?.seq ?? 0
    },
    addDeviceModel: async (code) => {
      await client().call('POST /device-models', { body: { code, name: 'A model' } })
    },
    moveTo: (url) => {
      baseUrl = url
    },
  }
}

/** Asks until it isn't refused for want of a component. */
const patiently = async <T>(ask: () => Promise<T>): Promise<T> => {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(100)) {
    try {
      return await ask()
    } catch (error) {
      if (!isAway(error) || Date.now() > deadline) throw error
    }
  }
}
