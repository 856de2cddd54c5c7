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
