import type { SelfManagedKafkaEvent } from 'aws-lambda'
import { expect } from 'vitest'
import { lambdaContext } from '../../tests/support/lambda-context.ts'
import { test } from '../../tests/support/world.ts'
import { toMessage } from './cloud-event.ts'
import { stream } from './stream.ts'

const value = (seq: number): string =>
  toMessage({
    id: seq,
    jobId: 'job',
    projectId: 'project',
    seq,
    type: 'job.progressed',
    data: {},
    createdAt: new Date(),
    xid: 1,
  }).value.toString('base64')

const eventOf = (...values: string[]): SelfManagedKafkaEvent => ({
  eventSource: 'SelfManagedKafka',
  bootstrapServers: 'broker:9092',
  records: {
    'stint.jobs.v1-3': values.map((text, offset) => ({
      topic: 'stint.jobs.v1',
      partition: 3,
      offset,
      timestamp: 0,
      timestampType: 'CREATE_TIME',
      key: '',
      value: text,
      headers: [],
    })),
  },
})

test('a record that can’t be read is passed over, and the others reach the function in order', async ({ world }) => {
  const seen: number[] = []
  const handler = stream(async ({ read }) => void seen.push(...read().map((it) => it.seq)))
  const garbage = ['', 'wQ==', Buffer.from('{"seq":1}').toString('base64'), Buffer.from([0xc0]).toString('base64')]
  await handler(eventOf(value(1), ...garbage, value(2)), lambdaContext(world.app, 60))
  expect(seen).toEqual([1, 2])
  expect(world.logged.filter((line) => line.includes('was passed over'))).toHaveLength(garbage.length)
})

test('a failure is logged and not thrown, or its partition would stand still', async ({ world }) => {
  const handler = stream(async () => {
    throw new Error('no database')
  })
  await expect(handler(eventOf(value(1)), lambdaContext(world.app, 60))).resolves.toBeUndefined()
  expect(world.logged.join()).toContain('no database')
})
