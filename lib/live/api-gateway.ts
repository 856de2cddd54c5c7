import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { LOCAL_CREDENTIALS } from '../core/local-credentials.ts'
import type { LiveGateway } from './gateway.ts'

export interface ApiGatewayOptions {
  region: string
  /** `https://<api>.execute-api.<region>.amazonaws.com/<stage>`, or where the local host speaks the same API. */
  url: string
}

/** One connection that doesn't take its frames must not hold up the others. */
const PATIENCE_MS = 3_000
/** The local host waits for no client: if it is slow, the machine is busy, and cutting all clients off would make it busier. */
const LOCAL_PATIENCE_MS = 20_000

/** The @connections API (AWS: "Use @connections commands in your backend service"). */
export const createApiGateway = ({ region, url }: ApiGatewayOptions): LiveGateway => {
  const isLocal = url.startsWith('http:')
  const patienceMs = isLocal ? LOCAL_PATIENCE_MS : PATIENCE_MS
  const client = new ApiGatewayManagementApiClient({
    region,
    endpoint: url,
    ...(isLocal && { credentials: LOCAL_CREDENTIALS }),
    maxAttempts: 2,
    requestHandler: { connectionTimeout: patienceMs, requestTimeout: patienceMs, throwOnRequestTimeout: true },
  })
  const unlessGone = async (work: Promise<unknown>): Promise<'sent' | 'gone'> => {
    try {
      await work
      return 'sent'
    } catch (error) {
      if (error instanceof GoneException) return 'gone'
      throw error
    }
  }
  return {
    post: (ConnectionId, frame) => unlessGone(client.send(new PostToConnectionCommand({ ConnectionId, Data: frame }))),
    close: async (ConnectionId) => {
      await unlessGone(client.send(new DeleteConnectionCommand({ ConnectionId })))
    },
    end: () => client.destroy(),
  }
}
