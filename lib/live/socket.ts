import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda'
import { type App, appOfProcess } from '../app.ts'
import { StintError } from '../core/errors.ts'
import type { InvocationContext } from '../invocation-context.ts'

/** A WebSocket event. Only `$connect` has headers and a query, which the type of the others doesn't know. */
export type SocketEvent = APIGatewayProxyWebsocketEventV2 & {
  queryStringParameters?: Record<string, string | undefined>
}

export type SocketHandler = ((event: SocketEvent, context: InvocationContext) => Promise<APIGatewayProxyResultV2>) & {
  route: SocketRoute
}

export type SocketRoute = '$connect' | '$disconnect' | '$default'

export interface SocketRequest {
  app: App
  connectionId: string
  query: Record<string, string | undefined>
  /** What the client sent. */
  body: string
}

/**
 * Wraps the function of one route of the WebSocket API. What `run` returns is sent to the client. If it throws, a connection
 * is refused, and a message gets no answer.
 */
export const socket = (
  route: SocketRoute,
  run: (request: SocketRequest) => Promise<object | undefined>,
): SocketHandler => {
  const handler = async (event: SocketEvent, context: InvocationContext): Promise<APIGatewayProxyResultV2> => {
    const app = context.app ?? (await appOfProcess())
    const { connectionId } = event.requestContext
    try {
      const query = event.queryStringParameters ?? {}
      const answer = await run({ app, connectionId, query, body: event.body ?? '' })
      return { statusCode: 200, ...(answer && { body: JSON.stringify(answer) }) }
    } catch (error) {
      if (error instanceof StintError) return { statusCode: error.status }
      app.log.error({ err: error, route, connectionId }, 'a WebSocket event could not be handled')
      return { statusCode: 500 }
    }
  }
  return Object.assign(handler, { route })
}
