import { pino } from 'pino'
import { expect } from 'vitest'
import { insertJobs } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import { logForCloudWatch } from './cloudwatch.ts'

/** What is written to a log of a level at which nothing else would be. */
const logged = async (world: World, cloudwatchNamespace?: string) => {
  const lines: string[] = []
  const log = pino({ level: 'silent' }, { write: (line) => void lines.push(line) })
  const app = await world.anotherApp({ log })
  await logForCloudWatch({
    ...app,
    config: { ...app.config, metrics: { ...app.config.metrics, cloudwatchNamespace } },
  })
  return lines.map((line) => JSON.parse(line))
}

test('CloudWatch is told how long jobs and events wait, in its embedded metric format', async ({ world }) => {
  await insertJobs(world.app, [{ queue: 'compute' }])
  await world.sql`UPDATE jobs SET start_at = now() - interval '90 seconds'`
  const lines = await logged(world, 'Stint/prod')
  expect(lines.map((line) => [line.msg, line.queue])).toEqual([
    ['stint_queue_oldest_due_seconds', 'bulk'],
    ['stint_queue_oldest_due_seconds', 'compute'],
    ['stint_queue_oldest_due_seconds', 'default'],
    ['stint_outbox_lag_seconds', undefined],
  ])
  const compute = lines.find(({ queue }) => queue === 'compute')
  expect(compute.stint_queue_oldest_due_seconds).toBeGreaterThanOrEqual(90)
  expect(compute._aws).toEqual({
    Timestamp: expect.any(Number),
    CloudWatchMetrics: [
      {
        Namespace: 'Stint/prod',
        Dimensions: [['queue']],
        Metrics: [{ Name: 'stint_queue_oldest_due_seconds', Unit: 'Seconds' }],
      },
    ],
  })
  expect(lines.at(-1)._aws.CloudWatchMetrics[0].Dimensions).toEqual([[]])
})

test('without a namespace nothing is written', async ({ world }) => {
  expect(await logged(world)).toEqual([])
})
