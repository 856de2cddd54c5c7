import * as liveConnections from '../../../db/queries/live-connections.ts'
import type { App } from '../../../lib/app.ts'
import type { HostConfig } from '../../../lib/core/host-config.ts'
import { createHttpServer } from '../http/http-server.ts'
import { createConnections } from '../live/connections.ts'
import { startConnectionsApi } from '../live/connections-api.ts'
import { createSocketServer } from '../live/socket-server.ts'
import { mountHttp, mountSockets } from './functions.ts'
import type { RoutingTable } from './routing-table.ts'

/** What API Gateway is on AWS: HTTP, WebSockets, and the API by which functions reach those who hold one. */
export interface Front {
  routes: number
  /** For functions in other processes: their LIVE_MANAGEMENT_URL. */
  liveManagementUrl: string
  /** @returns the port */
  listen(port: number, address: string): Promise<number>
  /** Takes no more connections, and resolves when the present ones are closed. */
  stopListening(): Promise<void>
  /** Call it when nobody needs to reach a WebSocket any more. */
  close(): Promise<void>
}

/** Together with that of the queues less than the ten seconds that Docker gives a container to stop. */
const GRACE_MS = 3_000

/** Loads all functions that answer, but doesn't listen yet. */
export const mountFront = async (
  app: App,
  root: string,
  table: RoutingTable,
  { trustedProxies }: Pick<HostConfig, 'trustedProxies'>,
): Promise<Front> => {
  const routes = await mountHttp(root, table.http)
  const connections = createConnections()
  const connectionsApi = await startConnectionsApi(connections)
  const sockets = createSocketServer({ app, connections, sockets: await mountSockets(root, table.sockets) })
  const http = createHttpServer({ app, routes, cors: table.cors, trustedProxies, onUpgrade: sockets.upgrade })
  return {
    routes: routes.length,
    liveManagementUrl: connectionsApi.url,
    listen: async (port, address) => {
      await forgetConnections(app)
      return http.listen(port, address)
    },
    stopListening: async () => {
      await sockets.close()
      await http.close(GRACE_MS)
    },
    close: connectionsApi.close,
  }
}

/** Those of an earlier process, which took them with it, would count as their people's for up to two hours. */
const forgetConnections = async ({ sql, log }: App): Promise<void> => {
  try {
    await liveConnections.removeAll(sql)
  } catch (error) {
    log.warn({ err: error }, 'the WebSockets of an earlier run could not be forgotten')
  }
}
