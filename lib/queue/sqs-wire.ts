import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  DeleteMessageBatchRequest,
  DeleteMessageBatchResult,
  GetQueueAttributesRequest,
  GetQueueAttributesResult,
  ReceiveMessageRequest,
  ReceiveMessageResult,
  SendMessageBatchRequest,
  SendMessageBatchResult,
} from '@aws-sdk/client-sqs'
import aws4 from 'aws4'
import { LOCAL_CREDENTIALS } from '../core/local-credentials.ts'

export interface SqsWireOptions {
  region: string
  /** The address of an SQS other than AWS's; without it, each queue's URL is used. */
  endpoint: string | undefined
  /** After how long without a byte a request counts as lost, beyond the time that SQS may hold its answer back. */
  silenceMs?: number
}

/** Input and output of each action. */
interface Actions {
  SendMessageBatch: [SendMessageBatchRequest, Partial<SendMessageBatchResult>]
  ReceiveMessage: [ReceiveMessageRequest, ReceiveMessageResult]
  DeleteMessageBatch: [DeleteMessageBatchRequest, Partial<DeleteMessageBatchResult>]
  GetQueueAttributes: [GetQueueAttributesRequest, GetQueueAttributesResult]
}

interface CallOptions {
  signal?: AbortSignal | undefined
  /** How long SQS may hold its answer back (long polling), in seconds. */
  waitSeconds?: number
}

/** SQS's actions, a request each. */
export interface SqsWire {
  /** @throws {SqsError} when SQS refuses; SilenceError; AbortError when it is called off; what the connection throws */
  call<A extends keyof Actions>(action: A, input: Actions[A][0], options?: CallOptions): Promise<Actions[A][1]>
  close(): void
}

/** An error of SQS, with its own name: `QueueDoesNotExist`. */
class SqsError extends Error {
  override readonly name: string
  readonly status: number
  constructor(name: string, status: number, message: string) {
    super(message)
    this.name = name
    this.status = status
  }
}

const SILENCE_MS = 10_000
const PAUSE_MS = 100

/**
 * The most connections, the same as AWS's own client has. Ten thousand doorbells are a thousand requests, and a function may
 * have 1 024 files open: further requests wait for a connection.
 */
const MAX_CONNECTIONS = 50

/**
 * SQS's JSON protocol, signed with Signature Version 4 (AWS: "Amazon SQS Developer Guide", "AWS JSON protocol").
 *
 * AWS's own client takes twice the CPU time and the latency for such a request, of which a job that comes alone needs
 * two, and a cold function loads it before its first doorbell. As that client does, this one tries once more when
 * the connection breaks or SQS is busy.
 */
export const createSqsWire = ({ region, endpoint, silenceMs = SILENCE_MS }: SqsWireOptions): SqsWire => {
  const kept = { keepAlive: true, maxSockets: MAX_CONNECTIONS }
  const agents = { 'http:': new http.Agent(kept), 'https:': new https.Agent(kept) }
  const credentials = endpoint === undefined ? credentialsOfProcess() : async () => LOCAL_CREDENTIALS

  const once = async (action: string, queueUrl: string, body: string, options: CallOptions): Promise<object> => {
    const { protocol, host, hostname, port } = new URL(endpoint ?? queueUrl)
    const headers = { 'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': `AmazonSQS.${action}` }
    const post = { method: 'POST', host, path: '/', headers, body }
    const signed = aws4.sign({ ...post, service: 'sqs', region }, await credentials())
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const { signal, waitSeconds = 0 } = options
    const [{ request }, agent] =
      protocol === 'https:' ? ([https, agents['https:']] as const) : ([http, agents['http:']] as const)
    const sent = request({ method: 'POST', path: '/', hostname, port, headers: signed.headers, agent, signal })
    let silence: SilenceError | undefined
    sent.setTimeout(silenceMs + waitSeconds * 1_000, () => {
      silence = new SilenceError(action)
      sent.destroy(silence)
    })
    sent.on('error', reject).on('response', resolve).end(body)
    const response = await promise
    const text = await readText(response).catch((error: unknown) => {
      // Once the answer has begun, its stream only says that the connection was reset.
      throw silence ?? error
    })
    if (response.statusCode !== 200) throw refusal(response.statusCode ?? 0, text)
    return text === '' ? {} : JSON.parse(text)
  }

  return {
    call: async (action, input, options = {}) => {
      const body = JSON.stringify(input)
      const send = () => once(action, input.QueueUrl ?? '', body, options)
      try {
        return await send()
      } catch (error) {
        if (options.signal?.aborted || !mayPass(error)) throw error
        await sleep(PAUSE_MS, undefined, options.signal && { signal: options.signal })
        return send()
      }
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

/** No answer in time. The request is not repeated: it took long enough. */
class SilenceError extends Error {
  override readonly name = 'SilenceError'
  constructor(action: string) {
    super(`SQS gave no answer to ${action} in time`)
  }
}

/** As AWS's clients look for them: in the environment, files, and the metadata of containers and machines. */
const credentialsOfProcess = () => {
  const provider = import('@aws-sdk/credential-provider-node').then(({ defaultProvider }) => defaultProvider())
  // The first call throws it.
  provider.catch(() => {})
  return async () => (await provider)()
}

const readText = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const refusal = (status: number, text: string): SqsError => {
  const { __type: type, message = `SQS answered ${status}` } = parseRefusal(text)
  // com.amazonaws.sqs#QueueDoesNotExist
  return new SqsError(type?.split('#').at(-1) ?? 'SqsError', status, message)
}

const parseRefusal = (text: string): { __type?: string; message?: string } => {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON, for example a proxy's page: the status says enough.
    return {}
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof SqsError
    ? error.status >= 500 || error.status === 429 || error.name.includes('Throttl')
    : !(error instanceof SilenceError)
