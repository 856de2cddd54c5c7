import { describe, expect } from 'vitest'
import type { App } from '../../lib/app.ts'
import { call } from '../../tests/support/http-client.ts'
import { test, type World } from '../../tests/support/world.ts'

const failing = (error: unknown) => async () => {
  throw error
}
const health = async (world: World, given: Partial<App> = {}) => call(await world.anotherApp(given), 'GET', '/health')
const down = (body: { components: { name: string; status: string }[] }) =>
  body.components.filter(({ status }) => status === 'down').map(({ name }) => name)

describe('GET /health', () => {
  test('says that everything works, to anyone', async ({ world }) => {
    const { status, body } = await health(world)
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'ok', version: world.app.config.version, uptimeSeconds: expect.any(Number) })
    expect(body.components.map(({ name }: { name: string }) => name)).toEqual(['postgres', 'sqs', 's3', 'kafka'])
    expect(down(body)).toEqual([])
  })

  test('is 200 and degraded without SQS, S3 or Kafka: jobs are accepted, and wait', async ({ world }) => {
    const { app } = world
    const lost = failing(new Error('connect ECONNREFUSED 10.1.2.3:9092'))
    const { status, body } = await health(world, {
      queue: { ...app.queue, visible: lost },
      files: { ...app.files, ready: lost },
      publisher: { ...app.publisher, ready: lost },
    })
    expect(status).toBe(200)
    expect(body.status).toBe('degraded')
    expect(down(body)).toEqual(['sqs', 's3', 'kafka'])
  })

  test('is 503 without Postgres, and names no address, account or password', async ({ world }) => {
    const { createPool } = await import('../../db/client.ts')
    const options = { maxConnections: 1, prepare: true, applicationName: 'test' }
    const sql = createPool({ ...options, url: 'postgres://stint:hunter2@127.0.0.1:1/nowhere' })
    const { status, body } = await health(world, { sql })
    expect(status).toBe(503)
    expect(down(body)).toEqual(['postgres'])
    expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|hunter2|nowhere|ECONNREFUSED/)
  })

  test('is 503 while the database has no room on its disk, since no job is accepted then', async ({ world }) => {
    // A limit of temporary files stands for the disk: the same write fails, if with another code.
    const [{ name }] = await world.sql<[{ name: string }]>`SELECT current_database() AS name`
    await world.sql`ALTER DATABASE ${world.sql(name)} SET temp_file_limit = 0`
    const { createPool } = await import('../../db/client.ts')
    const { url } = world.app.config.database
    const full = createPool({ url, maxConnections: 1, prepare: true, applicationName: 'test' })
    const { status, body } = await health(world, { sql: full })
    expect(status).toBe(503)
    expect(down(body)).toEqual(['postgres'])
  })

  test('asks each component once for any number of requests', async ({ world }) => {
    const asked: string[] = []
    const app = await world.anotherApp({
      queue: {
        ...world.app.queue,
        visible: async (queue) => {
          asked.push(queue)
          return 0
        },
      },
      clock: { now: () => 0 },
    })
    await Promise.all(Array.from({ length: 30 }, () => call(app, 'GET', '/health')))
    await call(app, 'GET', '/health')
    expect(asked).toEqual(['default', 'compute', 'bulk'])
  })
})

describe('GET /system', () => {
  test('tells a user the machine, the versions and the state of each component', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { status, body } = await world.http('GET', '/system', { token })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      status: 'ok',
      managesProcesses: false,
      versions: { stint: world.app.config.version, node: process.versions.node },
    })
    expect(body.versions.postgres).toMatch(/^\d+\.\d+/)
    expect(down(body)).toEqual([])
    expect((await world.http('GET', '/system')).status).toBe(401)
  })

  test('is degraded without Kafka', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const publisher = { ...world.app.publisher, ready: failing(new Error('gone')) }
    const { body } = await call(await world.anotherApp({ publisher }), 'GET', '/system', { token })
    expect(body.status).toBe('degraded')
    expect(down(body)).toEqual(['kafka'])
  })
})

describe('GET /metrics', () => {
  const token = 'a-token-of-a-scraper'
  const configured = async (world: World, metrics: Partial<App['config']['metrics']>): Promise<App> => ({
    ...world.app,
    config: { ...world.app.config, metrics: { ...world.app.config.metrics, ...metrics } },
  })
  const get = (app: App, authorization?: string) =>
    call(app, 'GET', '/metrics', { headers: authorization ? { authorization } : {} })

  test('gives anyone the text format, where Stint runs with emulated parts', async ({ world }) => {
    await world.register()
    const { status, headers, body } = await get(world.app)
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    })
    expect(body).toContain('stint_http_requests_total{method="POST",route="/auth/register",status="201"} 1\n')
  })

  test('takes its token and nothing else, when there is one', async ({ world }) => {
    const { accessToken } = await world.register()
    const app = await configured(world, { token, isOpen: false })
    expect((await get(app, `Bearer ${token}`)).status).toBe(200)
    for (const wrong of [undefined, 'Bearer x', `Bearer ${token}x`, token, `Bearer ${accessToken}`]) {
      const { status, headers, body } = await get(app, wrong)
      expect([status, body.code, headers['www-authenticate']]).toEqual([401, 'UNAUTHENTICATED', 'Bearer'])
    }
  })

  test('is nobody’s on AWS without a token', async ({ world }) => {
    const app = await configured(world, { isOpen: false })
    for (const any of [undefined, 'Bearer', 'Bearer undefined', 'Bearer x'])
      expect((await get(app, any)).status).toBe(401)
  })

  test('is open with an emulated SQS and no token, and in no other case', async ({ world: { environment } }) => {
    const { readConfig } = await import('../../lib/core/config.ts')
    const isOpen = (over: Record<string, string>) => readConfig({ ...environment, ...over }).metrics.isOpen
    expect([isOpen({}), isOpen({ METRICS_TOKEN: token }), isOpen({ SQS_ENDPOINT: '' })]).toEqual([true, false, false])
  })
})
