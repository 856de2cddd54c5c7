import { randomUUID } from 'node:crypto'
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { App } from '../../../lib/app.ts'
import type { Config } from '../../../lib/core/config.ts'
import { lazily } from '../../../lib/core/lazily.ts'
import { LOCAL_CREDENTIALS } from '../../../lib/core/local-credentials.ts'
import { type DoorbellQueue, QUEUES, type QueueName } from '../../../lib/queue/doorbells.ts'
import { createSqsDoorbells } from '../../../lib/queue/sqs.ts'
import type { MountedBatch } from '../host/functions.ts'
import { createContext } from '../host/invocation.ts'
import { type Poller, startPoller } from './poller.ts'

/** Polls the dead letters. Their function only counts them, so it runs in the host's own process. */
export const startDeadLetterHost = (app: App, mounted: readonly MountedBatch[]): Poller => {
  const deadLetters = createDeadLetters(app.config)
  const pollers = mounted.map(({ entry, handler }) =>
    startPoller({
      ...entry,
      maximumConcurrency: () => entry.maximumConcurrency,
      sqs: deadLetters,
      region: app.config.region,
      timeoutMs: entry.timeoutSeconds * 1_000,
      invoke: (event) => handler(event, contextOf(app, entry)),
      log: app.log,
    }),
  )
  return {
    stop: async () => {
      await Promise.all(pollers.map((poller) => poller.stop()))
      deadLetters.close()
    },
  }
}

const contextOf = (app: App, { functionName, timeoutSeconds }: MountedBatch['entry']) =>
  createContext(app, { functionName, requestId: randomUUID(), timeoutMs: timeoutSeconds * 1_000 })

/** The queues that the redrive policies name. They are looked up when first polled, and again if that fails. */
const createDeadLetters = ({ sqs, region }: Config): Pick<DoorbellQueue, 'receive' | 'delete' | 'close'> => {
  const queue = lazily(async () => createSqsDoorbells({ ...sqs, region, queueUrls: await findUrls({ sqs, region }) }))
  return {
    ...queue.methods('receive', 'delete'),
    close: () => void queue.made().then((made) => made?.close()),
  }
}

const findUrls = async ({ sqs, region }: Pick<Config, 'sqs' | 'region'>): Promise<Record<QueueName, string>> => {
  const { endpoint } = sqs
  const client = new SQSClient({ region, ...(endpoint && { endpoint, credentials: LOCAL_CREDENTIALS }) })
  try {
    const urls = QUEUES.map(async (queue) => [queue, await findUrl(client, sqs.queueUrls[queue])] as const)
    return Object.fromEntries(await Promise.all(urls)) as Record<QueueName, string>
  } finally {
    client.destroy()
  }
}

const findUrl = async (client: SQSClient, queueUrl: string): Promise<string> => {
  const asked = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['RedrivePolicy'] })
  const { Attributes } = await client.send(asked)
  const { deadLetterTargetArn } = JSON.parse(Attributes?.['RedrivePolicy'] ?? '{}') as { deadLetterTargetArn?: string }
  if (!deadLetterTargetArn) throw new Error(`${queueUrl} has no dead letters`)
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: deadLetterTargetArn.split(':').at(-1) }))
  if (!QueueUrl) throw new Error(`there is no ${deadLetterTargetArn}`)
  return QueueUrl
}
