import { expect } from 'vitest'
import { handler } from '../../../functions/kafka/live.ts'
import { lambdaContext } from '../../../tests/support/lambda-context.ts'
import { test } from '../../../tests/support/world.ts'
import { toKafkaEvent } from './kafka-event.ts'

const key = Buffer.from('job')
const value = Buffer.from([0, 255, 1])
const record = {
  partition: 3,
  offset: 7,
  timestamp: 1_795_394_492_830,
  key,
  value,
  headers: { ce_id: Buffer.from('é') },
}

test('an event is what Lambda makes of records', () => {
  expect(JSON.parse(JSON.stringify(toKafkaEvent('jobs', 'one:9092,other:9092', () => [record])))).toEqual({
    eventSource: 'SelfManagedKafka',
    bootstrapServers: 'one:9092,other:9092',
    records: {
      'jobs-3': [
        {
          ...{ topic: 'jobs', partition: 3, offset: 7, timestamp: 1_795_394_492_830, timestampType: 'CREATE_TIME' },
          ...{ key: key.toString('base64'), value: value.toString('base64'), headers: [{ ce_id: [195, 169] }] },
        },
      ],
    },
  })
})

test('where nobody listens, no record is read', async ({ world }) => {
  let reads = 0
  const event = toKafkaEvent('jobs', 'one:9092', () => {
    reads++
    return [record]
  })
  await handler(event, lambdaContext(world.app, 60))
  expect(reads).toBe(0)
})
