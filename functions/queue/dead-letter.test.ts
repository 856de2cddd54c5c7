import { expect } from 'vitest'
import type { ReceivedDoorbell } from '../../lib/queue/doorbells.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { lambdaContext } from '../../tests/support/lambda-context.ts'
import { readMetrics } from '../../tests/support/metrics.ts'
import { sqsEvent } from '../../tests/support/worker-run.ts'
import { test } from '../../tests/support/world.ts'
import { handler } from './dead-letter.ts'

const message = (body: string, nth: number): ReceivedDoorbell => ({
  messageId: `m-${nth}`,
  receiptHandle: `r-${nth}`,
  body,
  receiveCount: 6,
  sentAtMs: 1_700_000_000_000,
})

test('doorbells that were given up are counted, logged and dropped, and no job is changed', async ({ world }) => {
  const { app, logged } = world
  const [id] = await insertJobs(app, [{}])
  const before = await world.sql`SELECT * FROM jobs`
  const bodies = ['{"v":1,"queue":"default","n":3}', '{"v":1,"queue":"bulk","n":1}', 'no doorbell', '{"v":2}']
  const event = sqsEvent(bodies.map(message), app.config.sqs.queueUrls.default, app.config.region)
  expect(await handler(event, lambdaContext(app, 30))).toEqual({ batchItemFailures: [] })
  const metrics = await readMetrics(app)
  expect(metrics.counts('stint_doorbells_dead_total')).toEqual({ default: 1, bulk: 1, unknown: 2 })
  const lines = logged.map((line) => JSON.parse(line)).filter(({ msg }) => msg.includes('given up'))
  expect(lines.map(({ level, body }) => [level, body])).toEqual(bodies.map((body) => [50, body]))
  expect(new Set(lines.map(({ sentAt }) => sentAt))).toEqual(new Set(['2023-11-14T22:13:20.000Z']))
  expect(await world.sql`SELECT * FROM jobs`).toEqual(before)
  expect(before[0]?.['id']).toBe(id)
})
