import type { SQSEvent } from 'aws-lambda'
import { expect, onTestFinished } from 'vitest'
import { createSqsDoorbells } from '../../../lib/queue/sqs.ts'
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts'
import { test } from '../../../tests/support/world.ts'
import { startSqsS3 } from '../components/sqs-s3.ts'
import { startDeadLetterHost } from './dead-letter-host.ts'

const entry = {
  functionName: 'dead-letter',
  handlerFile: 'functions/queue/dead-letter.ts',
  exportName: 'handler',
  timeoutSeconds: 30,
  batchSize: 10,
  batchingWindowSeconds: 0,
  maximumConcurrency: 2,
  queue: 'bulk' as const,
}

test('what SQS gives up of a queue reaches the function, once', async ({ world: { app } }) => {
  const dataDir = temporaryFolder()
  const { url, region, queueUrls, stop } = await startSqsS3({ dataDir, visibilityTimeoutSeconds: 0 })
  const queue = createSqsDoorbells({ endpoint: url, region, queueUrls })
  const events: SQSEvent[] = []
  const handler = async (event: SQSEvent) => {
    events.push(event)
    return { batchItemFailures: [] }
  }
  const config = { ...app.config, region, sqs: { endpoint: url, queueUrls } }
  const host = startDeadLetterHost({ ...app, config }, [{ entry, handler }])
  onTestFinished(async () => {
    queue.close()
    await stop()
  })

  await queue.ring([{ queue: 'bulk', n: 7 }])
  await expect
    .poll(async () => {
      await queue.receive('bulk', { max: 10, waitSeconds: 0 })
      return events.length
    })
    .toBe(1)
  expect(events[0]?.Records).toMatchObject([{ body: '{"v":1,"queue":"bulk","n":7}' }])
  expect(await queue.visible('bulk')).toBe(0)
  await host.stop()
  expect(events).toHaveLength(1)
})
