import { Server as HttpServer } from 'node:http'
import { Server } from 'node:net'
import { join } from 'node:path'
import { startFauxqs } from 'fauxqs'
import { keepCompiled } from '../shared/compile-cache.ts'
import { serveParent } from './component.ts'
import { allowOwnPages } from './s3-cors.ts'
import { nameDownloads } from './s3-downloads.ts'
import { dropTornObjects } from './s3-repair.ts'
import { refuseWithoutRoom, roomIn } from './s3-room.ts'

export interface SqsS3Options {
  dataDir: string
  port: number
  region: string
  bucket: string
  queues: { name: string; attributes: Record<string, string> }[]
}

export interface SqsS3Ready {
  port: number
}

let storage = ''

// fauxqs checks no signatures, listens on every interface of the machine, and has no option for that. This is the only place
// where its server can be reached.
const listen = Server.prototype.listen
Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  const [first] = args
  if (typeof first === 'object' && first !== null && 'port' in first) Object.assign(first, { host: '127.0.0.1' })
  if (this instanceof HttpServer) {
    refuseWithoutRoom(this, () => roomIn(storage))
    allowOwnPages(this)
    nameDownloads(this)
  }
  return Reflect.apply(listen, this, args)
}

serveParent(async ({ dataDir, port, region, bucket, queues }: SqsS3Options) => {
  storage = join(dataDir, 's3')
  await dropTornObjects(storage)
  const server = await startFauxqs({ port, logger: false, defaultRegion: region, s3StorageDir: storage })
  server.setup({ queues, buckets: [bucket] })
  keepCompiled()
  return { ready: { port: server.port } satisfies SqsS3Ready, stop: () => server.stop() }
})
