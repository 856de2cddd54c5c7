import { fileURLToPath } from 'node:url'
import { handler as relayHandler } from '../../functions/schedule/relay.ts'
import { mountHttp, mountSockets, mountStreams } from '../../infra/local/host/functions.ts'
import { readRoutingTable } from '../../infra/local/host/routing-table.ts'
import { createHttpServer } from '../../infra/local/http/http-server.ts'
import { type Connections, createConnections } from '../../infra/local/live/connections.ts'
import { startConnectionsApi } from '../../infra/local/live/connections-api.ts'
import { createSocketServer } from '../../infra/local/live/socket-server.ts'
import { createStreamHost } from '../../infra/local/live/stream-host.ts'
import { startPeriodicTimer } from '../../infra/local/shared/periodic-timer.ts'
import type { App } from '../../lib/app.ts'
import { createApiGateway } from '../../lib/live/api-gateway.ts'
import { pass } from '../../lib/schedule/every.ts'
import type { World } from './world.ts'

/** The part of the host that live updates go through: HTTP, WebSockets, the relay, and Kafka's reader. */
export interface LiveHost {
  url: string
  /** Nudges the relay when it commits, as the host's does. */
  app: App
  connections: Connections
  stop(): Promise<void>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export const startLiveHost = async (world: World): Promise<LiveHost> => {
  const table = readRoutingTable(`${ROOT}/serverless.yml`)
  const connections = createConnections()
  const api = await startConnectionsApi(connections)
  const app = await world.anotherApp({
    live: createApiGateway({ region: 'eu-central-1', url: api.url }),
    committed: () => timer.nudge(),
  })
  const timer = startPeriodicTimer(1, () => pass(app, relayHandler.periodic))
  const sockets = createSocketServer({ app, connections, sockets: await mountSockets(ROOT, table.sockets) })
  const streams = (await mountStreams(ROOT, table.streams)).map(({ entry, handler }) =>
    createStreamHost({ app, handler, entry }),
  )
  const http = createHttpServer({
    app,
    routes: await mountHttp(ROOT, table.http),
    cors: table.cors,
    onUpgrade: sockets.upgrade,
  })
  const port = await http.listen(0, '127.0.0.1')
  for (const stream of streams) stream.follow(app.config.kafka.brokers.join())
  return {
    url: `http://127.0.0.1:${port}`,
    app,
    connections,
    stop: async () => {
      await Promise.all([sockets.close(), ...streams.map((stream) => stream.stop())])
      await http.close(1_000)
      await timer.stop()
      await api.close()
    },
  }
}
