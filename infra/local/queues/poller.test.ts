import type { SQSEvent } from 'aws-lambda'
import { expect, onTestFinished } from 'vitest'
import type { App } from '../../../lib/app.ts'
import { LOCAL_CREDENTIALS } from '../../../lib/core/local-credentials.ts'
import { createSqsDoorbells } from '../../../lib/queue/sqs.ts'
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts'
import { test } from '../../../tests/support/world.ts'
import { startSqsS3 } from '../components/sqs-s3.ts'
import { type PollerOptions, startPoller } from './poller.ts'

const poll = (app: App, options: Partial<PollerOptions> & Pick<PollerOptions, 'invoke'>) => {
  const poller = startPoller({
    queue: 'default',
    sqs: app.queue,
    region: app.config.region,
    batchSize: 10,
    batchingWindowSeconds: 0,
    maximumConcurrency: () => 2,
    timeoutMs: 30_000,
    log: app.log,
    ...options,
  })
  onTestFinished(() => poller.stop())
  return poller
}

const ids = ({ Records }: SQSEvent) => Records.map(({ messageId }) => messageId)

/** How many messages the queue still has, received or not. */
const messagesIn = async (app: App): Promise<number> => {
  const { SQSClient, GetQueueAttributesCommand } = await import('@aws-sdk/client-sqs')
  const client = new SQSClient({
    region: app.config.region,
    endpoint: app.config.sqs.endpoint ?? '',
    credentials: LOCAL_CREDENTIALS,
  })
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: app.config.sqs.queueUrls.default, AttributeNames: ['All'] }),
  )
  client.destroy()
  return Number(Attributes['ApproximateNumberOfMessages']) + Number(Attributes['ApproximateNumberOfMessagesNotVisible'])
}

test('messages reach the function as an SQS event, and are deleted when it succeeds', async ({ world: { app } }) => {
  const seen = Promise.withResolvers<SQSEvent>()
  const poller = poll(app, { invoke: async (event) => seen.resolve(event) })
  await app.queue.ring([{ queue: 'default', n: 3 }])
  const { Records } = await seen.promise
  expect(Records).toMatchObject([
    {
      body: '{"v":1,"queue":"default","n":3}',
      attributes: { ApproximateReceiveCount: '1' },
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:eu-central-1:000000000000:stint-default',
      awsRegion: 'eu-central-1',
    },
  ])
  await poller.stop()
  expect(await messagesIn(app)).toBe(0)
})

test('messages of many invocations are deleted by few requests', async ({ world: { app } }) => {
  await app.queue.ring(Array.from({ length: 12 }, () => ({ queue: 'default', n: 1 })))
  let handled = 0
  const all = Promise.withResolvers<void>()
  const deletions: number[] = []
  const sqs: PollerOptions['sqs'] = {
    receive: app.queue.receive,
    delete: (queue, receiptHandles) => {
      deletions.push(receiptHandles.length)
      return app.queue.delete(queue, receiptHandles)
    },
  }
  const poller = poll(app, {
    sqs,
    batchSize: 1,
    invoke: async () => {
      handled++
      if (handled === 12) all.resolve()
    },
  })
  await all.promise
  await poller.stop()
  expect(await messagesIn(app)).toBe(0)
  expect(deletions.reduce((sum, messages) => sum + messages, 0)).toBe(12)
  expect(deletions.length).toBeLessThan(12)
})

test('messages that the function reports as failed stay, the others go', async ({ world: { app } }) => {
  await app.queue.ring(Array.from({ length: 5 }, () => ({ queue: 'default', n: 1 })))
  const failed = Promise.withResolvers<void>()
  const poller = poll(app, {
    batchSize: 5,
    invoke: async (event) => {
      const [first] = ids(event)
      failed.resolve()
      return { batchItemFailures: [{ itemIdentifier: first }] }
    },
  })
  await failed.promise
  await poller.stop()
  expect(await messagesIn(app)).toBeGreaterThanOrEqual(1)
  expect(await messagesIn(app)).toBeLessThan(5)
})

test('all messages stay when the function throws, names strangers, or answers nonsense', async ({ world: { app } }) => {
  await app.queue.ring(Array.from({ length: 3 }, () => ({ queue: 'default', n: 1 })))
  let calls = 0
  const all = Promise.withResolvers<void>()
  const poller = poll(app, {
    batchSize: 1,
    invoke: async () => {
      calls++
      if (calls === 3) all.resolve()
      if (calls === 1) throw new Error('killed')
      return { batchItemFailures: calls === 2 ? [{ itemIdentifier: 'nobody' }] : 'all' }
    },
  })
  await all.promise
  await poller.stop()
  expect(await messagesIn(app)).toBe(3)
})

test('no more invocations run at once than may, and a batch is no larger than it may be', async ({
  world: { app },
}) => {
  await app.queue.ring(Array.from({ length: 20 }, () => ({ queue: 'default', n: 1 })))
  let running = 0
  let most = 0
  let mostAtReceive = 0
  let handled = 0
  const two = Promise.withResolvers<void>()
  const all = Promise.withResolvers<void>()
  poll(app, {
    batchSize: 3,
    maximumConcurrency: () => 2,
    sqs: {
      ...app.queue,
      receive: (...given) => {
        mostAtReceive = Math.max(mostAtReceive, running)
        return app.queue.receive(...given)
      },
    },
    invoke: async ({ Records }) => {
      expect(Records.length).toBeLessThanOrEqual(3)
      most = Math.max(most, ++running)
      if (running === 2) two.resolve()
      await two.promise
      // Whoever would receive more does so by now.
      await new Promise((resolve) => setImmediate(resolve))
      running--
      handled += Records.length
      if (handled === 20) all.resolve()
    },
  })
  await all.promise
  expect([most, mostAtReceive]).toEqual([2, 1])
})

test('when more may run at once than before, none of those that run has to end first', async ({ world: { app } }) => {
  let atOnce = 1
  let begun = 0
  const both = Promise.withResolvers<void>()
  poll(app, {
    batchSize: 1,
    maximumConcurrency: () => atOnce,
    invoke: async () => {
      atOnce = 2
      if (++begun === 2) both.resolve()
      await both.promise
    },
  })
  await app.queue.ring(Array.from({ length: 2 }, () => ({ queue: 'default', n: 1 })))
  await both.promise
})

test('stopping ends the long poll at once, and waits for the invocation that is under way', async ({
  world: { app },
}) => {
  const begun = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const poller = poll(app, {
    invoke: async () => {
      begun.resolve()
      await release.promise
    },
  })
  await app.queue.ring([{ queue: 'default', n: 1 }])
  await begun.promise
  const stopped = poller.stop()
  release.resolve()
  await stopped
  expect(await messagesIn(app)).toBe(0)
})

test('a batch that is not full takes what comes within its window', async ({ world: { app } }) => {
  const batches: number[] = []
  let handled = 0
  const all = Promise.withResolvers<void>()
  poll(app, {
    batchSize: 2,
    batchingWindowSeconds: 5,
    invoke: async ({ Records }) => {
      batches.push(Records.length)
      handled += Records.length
      if (handled === 2) all.resolve()
    },
  })
  await app.queue.ring([{ queue: 'default', n: 1 }])
  await app.queue.ring([{ queue: 'default', n: 1 }])
  await all.promise
  expect(batches).toEqual([2])
})

test('an outage of SQS is logged once, and over when SQS is back', async ({ world: { app } }) => {
  const dataDir = temporaryFolder()
  const first = await startSqsS3({ dataDir })
  const { port, queueUrls } = first
  const sqs = createSqsDoorbells({ region: 'eu-central-1', endpoint: first.url, queueUrls })
  const said: string[] = []
  const handled = Promise.withResolvers<void>()
  const back = Promise.withResolvers<void>()
  const log = Object.assign(Object.create(app.log), {
    warn: (_: unknown, message: string) => void said.push(message),
    info: (_: unknown, message: string) => {
      said.push(message)
      back.resolve()
    },
  })
  const poller = poll(app, { sqs, log, invoke: async () => handled.resolve() })
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  const second = await startSqsS3({ dataDir, port })
  await sqs.ring([{ queue: 'default', n: 1 }])
  await Promise.all([handled.promise, back.promise])
  await poller.stop()
  await second.stop()
  sqs.close()
  expect(said).toEqual(['SQS cannot be reached', 'SQS can be reached again'])
})
