import { randomBytes } from 'node:crypto'
import type { Api } from '../../functions/http/api.ts'
import type { ItemOf } from '../../lib/client/api.ts'
import { type Client, createClient } from '../../lib/client/client.ts'
import { fixed } from '../../lib/client/credentials.ts'

export type Job = ItemOf<Api['GET /jobs']>

/** Somebody who uses the API: over HTTP, like everybody else. */
export interface Person {
  email: string
  client: Client<Api>
}

/** @param signal ends all requests */
export const register = async (baseUrl: string, signal: AbortSignal): Promise<Person> => {
  const email = `ada-${randomBytes(3).toString('hex')}@example.com`
  const account = { email, password: randomBytes(12).toString('base64url'), name: 'Ada' }
  const options = { baseUrl, fetch: ((input, init) => fetch(input, { ...init, signal })) satisfies typeof fetch }
  const { accessToken } = await createClient<Api>(options).call('POST /auth/register', { body: account })
  return { email, client: createClient<Api>({ ...options, credentials: fixed(accessToken) }) }
}

export const jobsOf = async ({ client }: Person): Promise<Job[]> =>
  (await client.call('GET /jobs', { query: { limit: 100 } })).items

export const stintsOf = ({ client }: Person, jobId: string) =>
  Array.fromAsync(client.each('GET /jobs/{jobId}/stints', { params: { jobId } }))
