import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from '../../infra/thrift/generate.ts'

/** What the compiler makes of a struct: by the names of its fields. */
type Made = Record<string, unknown>

/** A client as the Thrift compiler makes it, on the library that Apache publishes. */
interface StintClient {
  submitJob(submission: Made): Promise<Made>
  getJob(jobId: string): Promise<Made>
  listJobs(query: Made): Promise<{ items: Made[]; nextCursor: string | null }>
  cancelJob(jobId: string): Promise<Made>
  getSystem(): Promise<Made & { queues: Made[] }>
}

export interface Generated {
  connect(url: string, protocol: 'binary' | 'json', token: string): StintClient
  /** The class of what the service throws. */
  Problem: new () => Made
}

/** Where `require` finds the library. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))

/** Has the compiler make a client of infra/thrift/stint.thrift, as somebody does who has only that file. */
export const makeClient = (): Generated => {
  mkdirSync(CACHE, { recursive: true })
  const folder = mkdtempSync(join(CACHE, 'thrift-'))
  try {
    compile('js:node,es6', folder)
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
    const load = createRequire(join(folder, 'client.js'))
    const [thrift, service, types] = [load('thrift'), load('./Stint.js'), load('./stint_types.js')]
    return {
      Problem: types.Problem,
      connect: (url, protocol, token) => {
        const { hostname, port } = new URL(url)
        const connection = thrift.createHttpConnection(hostname, Number(port), {
          path: '/rpc',
          headers: { authorization: `Bearer ${token}`, connection: 'close', 'content-type': 'application/x-thrift' },
          transport: thrift.TBufferedTransport,
          protocol: protocol === 'json' ? thrift.TJSONProtocol : thrift.TBinaryProtocol,
        })
        const client = thrift.createHttpClient(service, connection)
        return {
          submitJob: (submission) => client.submitJob(new types.Submission(submission)),
          getJob: (jobId) => client.getJob(jobId),
          listJobs: (query) => client.listJobs(new types.JobQuery(query)),
          cancelJob: (jobId) => client.cancelJob(jobId),
          getSystem: () => client.getSystem(),
        }
      },
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
