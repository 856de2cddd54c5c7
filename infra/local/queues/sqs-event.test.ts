import { expect, test } from 'vitest'
import { succeeded, toSqsEvent } from './sqs-event.ts'

const messages = ['a', 'b', 'c'].map((messageId) => ({
  messageId,
  receiptHandle: `handle of ${messageId}`,
  body: '{}',
  receiveCount: 2,
  sentAtMs: 1_700_000_000_000,
}))

test('received messages become the records of an SQS event', () => {
  expect(toSqsEvent(messages, 'stint-default', 'eu-central-1').Records[1]).toMatchObject({
    messageId: 'b',
    receiptHandle: 'handle of b',
    body: '{}',
    attributes: { ApproximateReceiveCount: '2', SentTimestamp: '1700000000000' },
    md5OfBody: '99914b932bd37a50b983c5e7c90ae93b',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:000000000000:stint-default',
  })
})

// AWS: "Implementing partial batch responses", success and failure conditions.
test.for([
  ['nothing', undefined, 'abc'],
  ['null', null, 'abc'],
  ['an empty list', { batchItemFailures: [] }, 'abc'],
  ['a null list', { batchItemFailures: null }, 'abc'],
  ['no list', {}, 'abc'],
  ['one failure', { batchItemFailures: [{ itemIdentifier: 'b' }] }, 'ac'],
  ['an empty identifier', { batchItemFailures: [{ itemIdentifier: '' }] }, ''],
  ['no identifier', { batchItemFailures: [{}] }, ''],
  ['an unknown identifier', { batchItemFailures: [{ itemIdentifier: 'z' }] }, ''],
  ['no list but text', { batchItemFailures: 'b' }, ''],
  ['a null entry', { batchItemFailures: [null] }, ''],
] as const)('an answer with %s is done with the right messages', ([, answer, done]) => {
  expect(succeeded(messages, answer).map(({ messageId }) => messageId)).toEqual([...done])
})
