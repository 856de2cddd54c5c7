import type { IncomingMessage } from 'node:http'
import type { SocketEvent, SocketRoute } from '../../../lib/live/socket.ts'
import { toHttpEvent } from '../http/http-event.ts'

export interface SocketEventOptions {
  connectionId: string
  connectedAt: Date
  requestId: string
  /** The request that opened the connection. */
  request: IncomingMessage
  ip: string
}

const EVENT_TYPES = { $connect: 'CONNECT', $disconnect: 'DISCONNECT', $default: 'MESSAGE' } as const

/**
 * The event that API Gateway's WebSocket API makes (AWS: "Set up a WebSocket API integration request"). Headers and
 * query come with `$connect` alone.
 * @throws {MalformedUrlError}
 */
export const toSocketEvent = (
  route: SocketRoute,
  { connectionId, connectedAt, requestId, request, ip }: SocketEventOptions,
  body?: { text: string; isBase64Encoded: boolean },
): SocketEvent => {
  const opening = toHttpEvent({
    method: 'GET',
    url: request.url ?? '/',
    headers: request.headers,
    body: Buffer.alloc(0),
    ip,
    requestId,
    routeKey: route,
  })
  const { queryStringParameters, headers } = opening
  return {
    ...(route === '$connect' && { headers, ...(queryStringParameters && { queryStringParameters }) }),
    requestContext: {
      routeKey: route,
      eventType: EVENT_TYPES[route],
      extendedRequestId: requestId,
      requestTime: opening.requestContext.time,
      messageDirection: 'IN',
      stage: 'local',
      connectedAt: connectedAt.getTime(),
      requestTimeEpoch: opening.requestContext.timeEpoch,
      requestId,
      domainName: opening.requestContext.domainName,
      connectionId,
      apiId: 'local',
      ...(route === '$default' && { messageId: requestId }),
    },
    ...(body && { body: body.text }),
    isBase64Encoded: body?.isBase64Encoded ?? false,
  } as SocketEvent
}
