import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import type { Api } from '../../functions/http/api.ts'
import { scratchFolder } from '../../infra/local/shared/scratch-folder.ts'
import { startStack } from '../../infra/local/stack.ts'
import { type Client, createClient } from '../../lib/client/client.ts'
import { fixed } from '../../lib/client/credentials.ts'
import { prepare, serveBoth, stopBoth } from '../support/containers.ts'
import { makeResources } from '../support/resources.ts'

/**
 * A Stint that runs somewhere: `STINT_URL` says where. Without it one is started here, on the components that
 * `npm run test:stack` has, or with its own.
 */
export interface Stage {
  url: string
  stop(): Promise<void>
}

export const openStage = async (given = process.env['STINT_URL']): Promise<Stage> => {
  // A lookup of the URL that found nothing leaves it empty: a Stint started here would pass in the stage's place.
  if (given === '') throw new Error('STINT_URL is empty: where does the stage run?')
  if (given) return { url: given.replace(/\/+$/, ''), stop: async () => {} }
  const folder = scratchFolder('deployed')
  if (process.env['STINT_TEST_STACK']) return openContainers(folder)
  const stack = await startStack({ dataDir: join(folder, 'data'), env: { WEB_ALLOWED_HOSTS: 'localhost' } })
  return {
    url: stack.url,
    stop: async () => {
      await stack.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const openContainers = async (folder: string): Promise<Stage> => {
  const resources = await makeResources(inject('stack'))
  const { AUTH_SIGNING_KEYS: _, AUTH_REFRESH_KEY: __, ...given } = resources.environment
  const env = { ...given, LOG_LEVEL: 'info', PORT: '0', STINT_DATA_DIR: folder, WEB_ALLOWED_HOSTS: 'localhost' }
  await prepare(env)
  const { url, ...both } = await serveBoth(env)
  return {
    url,
    stop: async () => {
      await stopBoth(both)
      await resources.remove({ keepDatabase: false })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface Somebody {
  email: string
  password: string
  token: string
  client: Client<Api>
}

/** A new user. The account stays: a stage can't delete accounts. */
export const register = async ({ url }: Stage): Promise<Somebody> => {
  const account = {
    email: `scenario-${randomBytes(6).toString('hex')}@example.com`,
    password: randomBytes(12).toString('base64url'),
    name: 'A scenario',
  }
  const { accessToken } = await createClient<Api>({ baseUrl: url }).call('POST /auth/register', { body: account })
  const client = createClient<Api>({ baseUrl: url, credentials: fixed(accessToken) })
  return { ...account, token: accessToken, client }
}
