import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { StreamHandler } from '../../../lib/events/stream.ts'
import type { HttpHandler } from '../../../lib/http/declaration.ts'
import type { SocketHandler } from '../../../lib/live/socket.ts'
import type { BatchHandler } from '../../../lib/queue/batch.ts'
import type { Periodic, PeriodicHandler } from '../../../lib/schedule/every.ts'
import type { MountedRoute } from '../http/gateway.ts'
import type { MountedSocket } from '../live/socket-server.ts'
import type { FunctionEntry, HttpEntry, QueueEntry, ScheduleEntry, SocketEntry, StreamEntry } from './routing-table.ts'

export class MountError extends Error {
  override readonly name = 'MountError'
}

/** Loads the functions that answer HTTP, each file once. @throws {MountError} for one that isn't there */
export const mountHttp = (root: string, entries: readonly HttpEntry[]): Promise<MountedRoute[]> =>
  Promise.all(
    entries.map(async (entry) => ({
      method: entry.method,
      path: entry.path,
      functionName: entry.functionName,
      timeoutSeconds: entry.timeoutSeconds,
      handler: (await load(root, entry)) as HttpHandler,
    })),
  )

export interface MountedSchedule {
  functionName: string
  periodic: Periodic
}

/** Loads the scheduled functions. @throws {MountError} for one that isn't there, or wasn't made by `every` */
export const mountSchedules = (root: string, entries: readonly ScheduleEntry[]): Promise<MountedSchedule[]> =>
  Promise.all(
    entries.map(async (entry) => {
      const { periodic } = (await load(root, entry)) as PeriodicHandler
      if (!periodic) throw new MountError(`${nameOf(entry)} is no function made by every()`)
      return { functionName: entry.functionName, periodic }
    }),
  )

export interface MountedBatch {
  entry: QueueEntry
  handler: BatchHandler
}

/** Loads SQS-triggered functions that run in the host's own process. @throws {MountError} for one that isn't there */
export const mountBatches = (root: string, entries: readonly QueueEntry[]): Promise<MountedBatch[]> =>
  Promise.all(entries.map(async (entry) => ({ entry, handler: (await load(root, entry)) as BatchHandler })))

/** Loads the functions of the WebSocket API. @throws {MountError} for one that isn't there, or declares another route */
export const mountSockets = (root: string, entries: readonly SocketEntry[]): Promise<MountedSocket[]> =>
  Promise.all(
    entries.map(async ({ route, functionName, timeoutSeconds, ...entry }) => {
      const handler = (await load(root, { functionName, timeoutSeconds, ...entry })) as SocketHandler
      if (handler.route !== route)
        throw new MountError(`${entry.handlerFile} is no function made by socket('${route}')`)
      return { route, functionName, timeoutSeconds, handler }
    }),
  )

export interface MountedStream {
  entry: StreamEntry
  handler: StreamHandler
}

/** Loads the functions that Kafka triggers. @throws {MountError} for one that isn't there */
export const mountStreams = (root: string, entries: readonly StreamEntry[]): Promise<MountedStream[]> =>
  Promise.all(entries.map(async (entry) => ({ entry, handler: (await load(root, entry)) as StreamHandler })))

const load = async (root: string, entry: FunctionEntry): Promise<unknown> => {
  const module = (await import(pathToFileURL(join(root, entry.handlerFile)).href)) as Record<string, unknown>
  const handler = module[entry.exportName]
  if (typeof handler !== 'function') throw new MountError(`${nameOf(entry)} is no function`)
  return handler
}

const nameOf = (entry: FunctionEntry): string => `${entry.exportName} of ${entry.handlerFile}`
