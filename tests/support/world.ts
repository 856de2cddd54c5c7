import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { test as base, inject } from 'vitest'
import type { Pool } from '../../db/client.ts'
import { type App, createApp } from '../../lib/app.ts'
import { readConfig } from '../../lib/core/config.ts'
import { type CloudEvent, fromMessage } from '../../lib/events/cloud-event.ts'
import type { QueueName } from '../../lib/queue/doorbells.ts'
import { type Answer, call, type RequestOptions } from './http-client.ts'
import { readTopic } from './kafka-reader.ts'
import { makeResources } from './resources.ts'
import { type WorkDone, type WorkOptions, work } from './worker-run.ts'

/** Somebody who registered. */
export interface Person {
  userId: string
  email: string
  password: string
  accessToken: string
  refreshToken: string
  /** Their personal project. */
  projectId: string
  /** Calls the API with the access token that they registered with. */
  call(method: string, url: string, body?: unknown): Promise<Answer>
}

/** What a test has for itself. */
export interface World {
  app: App
  sql: Pool
  /** The variables that `app` was configured with. */
  environment: Record<string, string>
  /** Calls the API through the real handlers; the answer is checked against the OpenAPI document. */
  http(method: string, url: string, options?: RequestOptions): Promise<Answer>
  register(name?: string): Promise<Person>
  /** Runs the worker on the queue's doorbells until none can be received. */
  work(queue: QueueName, options?: WorkOptions): Promise<WorkDone>
  /** One pass of the sweep. */
  sweep(): Promise<void>
  /** One pass of the relay. */
  relay(): Promise<void>
  /** Every event that was published so far, in order per job. */
  events(): Promise<CloudEvent[]>
  /** Moves the app's clock. The database keeps its own. */
  advance(seconds: number): void
  /** Why the app wanted to end its process: in a test it goes on. */
  exits: string[]
  /** What the app logged so far, one JSON object a line; shown when the test fails. */
  logged: string[]
  /** A second process's app on the same database, queues, bucket and topic. */
  anotherApp(given?: Partial<App>): Promise<App>
}

interface Fixtures {
  /** Variables that differ: `test.override({ environment: { LEASE_SECONDS: '1' } })`. */
  environment: Record<string, string>
  world: World
}

/** How much of the log is shown for a test that failed. */
const LOG_LINES = 40

/** vitest's `test`, with a world of its own for every test that asks for one. */
export const test = base.extend<Fixtures>({
  environment: {},
  world: async ({ environment, task }, use) => {
    const resources = await makeResources(inject('stack'))
    const variables = { ...resources.environment, ...environment }
    const apps: App[] = []
    const exits: string[] = []
    const logged: string[] = []
    const log = pino({ level: 'info', base: null, timestamp: false }, { write: (line) => void logged.push(line) })
    let aheadMs = 0
    const anotherApp = async (given: Partial<App> = {}): Promise<App> => {
      const app = await createApp(readConfig(variables), 'test', {
        clock: { now: () => Date.now() + aheadMs },
        exit: (reason) => void exits.push(reason),
        log,
        ...given,
      })
      apps.push(app)
      return app
    }
    const app = await anotherApp()
    const http = (method: string, url: string, options?: RequestOptions) => call(app, method, url, options)
    await use({
      app,
      sql: app.sql,
      environment: variables,
      http,
      register: (name = 'Ada') => register(http, name),
      work: (queue, options) => work(app, queue, options),
      sweep: async () => (await import('../../functions/schedule/sweep.ts')).handler.periodic.run(app),
      relay: async () => (await import('../../functions/schedule/relay.ts')).handler.periodic.run(app),
      events: async () => {
        const messages = await readTopic(inject('stack').kafkaAddress, app.config.kafka.topic)
        return messages.map((message) => fromMessage(message.payload))
      },
      advance: (seconds) => {
        aheadMs += seconds * 1_000
      },
      exits,
      logged,
      anotherApp,
    })
    await Promise.all(apps.map((it) => it.close()))
    const failed = task.result?.state === 'fail'
    if (failed) console.error(`What the app logged, the latest last:\n${logged.slice(-LOG_LINES).join('')}`)
    await resources.remove({ keepDatabase: failed })
  },
})

const register = async (http: World['http'], name: string): Promise<Person> => {
  const email = `${name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')}-${randomBytes(4).toString('hex')}@example.com`
  const password = randomBytes(12).toString('base64url')
  const registered = await http('POST', '/auth/register', { body: { email, password, name } })
  if (registered.status !== 201) throw new Error(`${name} could not register: ${JSON.stringify(registered.body)}`)
  const { user, accessToken, refreshToken } = registered.body
  const projects = await http('GET', '/projects', { token: accessToken })
  const projectId: string = projects.body.items[0].id
  return {
    userId: user.id,
    email,
    password,
    accessToken,
    refreshToken,
    projectId,
    call: (method, url, body) => http(method, url, { token: accessToken, ...(body !== undefined && { body }) }),
  }
}
