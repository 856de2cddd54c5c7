import type { Api } from '../../functions/http/api.ts'
import { type Client, createClient } from '../../lib/client/client.ts'
import { fixed } from '../../lib/client/credentials.ts'
import { readHostConfig } from '../../lib/core/host-config.ts'
import { readRunFile } from '../local/supervisor/run-file.ts'
import { credentialsPath, keptCredentials, readCredentials } from './credentials-file.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import { harmless } from './print.ts'

/** The API that a command calls, and the account it uses. */
export interface Session {
  url: string
  client: Client<Api>
  /** Undefined with STINT_TOKEN: it may be anybody's. */
  email: string | undefined
}

/** The address of the API: STINT_URL, or where the person signed in last, or the stack that runs on this machine. */
export const findUrl = async ({ env }: Io): Promise<string> => {
  const { current } = await readCredentials(credentialsPath(env))
  const url = env['STINT_URL'] || (current ?? runningUrl(env) ?? 'http://localhost:3000')
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new CommandError(`STINT_URL is not a URL (such as http://localhost:3000): ${harmless(url)}`, EXIT.usage)
  return url.replace(/\/+$/, '')
}

/** @throws {CommandError} when nobody has signed in there */
export const signedIn = async (io: Io): Promise<Session> => {
  const url = await findUrl(io)
  const token = io.env['STINT_TOKEN']
  if (token) return { url, client: clientOf(url, fixed(usable(token))), email: undefined }
  const path = credentialsPath(io.env)
  const kept = (await readCredentials(path)).sessions[url]
  if (!kept) throw new CommandError(`Sign in first: stint login, or stint register   (at ${url})`, EXIT.signIn)
  return { url, client: clientOf(url, keptCredentials(path, url, kept)), email: kept.email }
}

/** Refuses characters that a header can't have, before a request whose error would show the token. */
const usable = (token: string): string => {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new CommandError(
    'STINT_TOKEN is not a token: it has spaces, line breaks or characters that are not ASCII.',
    EXIT.usage,
  )
}

/** A client without credentials. */
export const anonymous = (url: string): Client<Api> => clientOf(url)

const clientOf = (baseUrl: string, credentials?: Parameters<typeof createClient>[0]['credentials']): Client<Api> =>
  createClient<Api>({ baseUrl, credentials, headers: { 'user-agent': 'stint-cli' } })

/** Where the host of the stack on this machine answers; undefined while none does. */
export const runningUrl = (env: Io['env']): string | undefined =>
  readRunFile(readHostConfig(env).dataDir).find(({ name }) => name === 'host')?.address

/** The first `count` items of a list, or all if there are fewer. */
export const first = async <T>(count: number, items: AsyncIterable<T>): Promise<T[]> => {
  const taken: T[] = []
  for await (const item of items) if (taken.push(item) === count) break
  return taken
}
