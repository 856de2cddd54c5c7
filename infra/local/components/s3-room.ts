import { statfsSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** What is left for objects, in bytes. */
export interface Room {
  disk: number
  memory: number
}

/** PostgreSQL is on the same disk, and stops when that is full. */
const KEEP_FREE_BYTES = 512 * 1024 ** 2

/** What a folder's disk and this machine's memory have left for objects: fauxqs holds each in memory until it has come whole. */
export const roomIn = (folder: string): Room => {
  const { bsize, bavail } = statfsSync(folder)
  return { disk: bsize * bavail - KEEP_FREE_BYTES, memory: process.availableMemory() / 2 }
}

/**
 * Refuses objects for which there is no room, before they are sent: those that are on their way count. One whose size is not
 * said is refused too, as by S3.
 */
export const refuseWithoutRoom = (server: Server, room: () => Room): void => {
  const emit = server.emit.bind(server)
  let arrivingBytes = 0
  server.emit = (event: string, ...args: unknown[]): boolean => {
    const [request, response] = args as [IncomingMessage, ServerResponse]
    if (!['request', 'checkContinue'].includes(event) || request.method !== 'PUT') return emit(event, ...args)
    const bytes = Number(request.headers['content-length'])
    if (Number.isNaN(bytes)) return refuse(response, 411, 'MissingContentLength')
    const { disk, memory } = room()
    if (arrivingBytes + bytes > Math.min(disk, memory)) return refuse(response, 503, 'ServiceUnavailable')
    arrivingBytes += bytes
    response.once('close', () => {
      arrivingBytes -= bytes
    })
    return emit(event, ...args)
  }
}

const refuse = (response: ServerResponse, status: number, code: string): true => {
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`
  response.writeHead(status, { 'content-type': 'application/xml', connection: 'close' }).end(text)
  return true
}
