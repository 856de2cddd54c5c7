import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../infra/local/components/free-port.ts'
import { connects } from '../../infra/local/components/reachable.ts'
import { scratchFolder } from '../../infra/local/shared/scratch-folder.ts'
import type { RunningProcess } from '../../infra/local/supervisor/run-file.ts'
import { end, type Service, startDatabase, startRedis, VENV } from './services.ts'

/** A system that people would use instead, its server running. */
export interface Peer {
  port: number
  run(): RunningProcess[]
  /** Its bulk call, for this many jobs. */
  addMany(jobs: number, data: unknown): Promise<void>
  /** Starts workers that wait. @returns a function that lets them work */
  loadWorkers(mode: { drain: boolean }): Promise<() => Promise<void>>
  stopWorkers(): Promise<void>
  /** Jobs that have not ended. */
  left(): Promise<number>
  /** When these jobs ended, in milliseconds since 1970. */
  endedAt(ids: string[]): Promise<Map<string, number>>
  stop(): Promise<void>
}

export const NODE_PEERS = {
  bullmq: 'redis',
  'bee-queue': 'redis',
  'pg-boss': 'postgres',
  'graphile-worker': 'postgres',
}
export const PEERS = ['celery', ...Object.keys(NODE_PEERS)] as const
const WORKERS = 2
const HERE = fileURLToPath(new URL('.', import.meta.url))

export const startPeer = async (name: string): Promise<Peer> => {
  const folder = scratchFolder('bench')
  const store = NODE_PEERS[name as keyof typeof NODE_PEERS] === 'postgres' ? startDatabase : startRedis
  const service = await store(folder)
  const peer = await (name === 'celery' ? startCelery(service) : startNodePeer(name, service))
  return {
    ...peer,
    stop: async () => {
      await peer.stop()
      await service.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const startNodePeer = async (name: string, service: Service): Promise<Peer> => {
  const ended = new Map<string, number>()
  let workers: ChildProcess[] = []
  const start = async (role: string, mode = {}): Promise<[ChildProcess, { port: number }]> => {
    const child = fork(join(HERE, 'peer-process.mjs'), [name, role], {
      cwd: HERE,
      env: { ...process.env, BENCH_PEER: JSON.stringify({ ...service.env, ...mode }) },
    })
    return [child, (await once(child, 'message'))[0]]
  }
  const [server, { port }] = await start('server')
  const ask = async (message: object): Promise<{ count: number }> => {
    server.send(message)
    return (await once(server, 'message'))[0]
  }
  return {
    port,
    run: () => [service.process, processOf('server', server), ...workers.map((child) => processOf('worker', child))],
    addMany: async (jobs, data) => void (await ask({ type: 'addMany', jobs, data })),
    loadWorkers: async ({ drain }) => {
      const started = Array.from({ length: WORKERS }, () => start('worker', { drain, report: !drain }))
      workers = (await Promise.all(started)).map(([child]) => child)
      for (const child of workers) {
        child.on('message', (message: { ended?: [string, number][] }) => {
          for (const [id, at] of message.ended ?? []) ended.set(id, at)
        })
      }
      return async () => {
        for (const child of workers) child.send({})
      }
    },
    stopWorkers: async () => {
      await Promise.all(workers.map(end))
      workers = []
    },
    left: async () => (await ask({ type: 'left' })).count,
    endedAt: async (ids) => {
      while (ids.some((id) => !ended.has(id))) await sleep(100)
      return ended
    },
    stop: async () => {
      await Promise.all([...workers, server].map(end))
    },
  }
}

const startCelery = async (service: Service): Promise<Peer> => {
  const port = await freePort()
  const env = { ...process.env, BENCH_REDIS_PORT: String(service.env.redisPort) }
  const program = (file: string, args: string[]) =>
    spawn(join(VENV, 'bin', file), args, { cwd: HERE, env, stdio: 'ignore' })
  const server = program('uvicorn', ['celery_peer:api', '--port', String(port), '--log-level', 'error'])
  while (!(await connects('127.0.0.1', port))) await sleep(100)
  const call = async <T>(path: string, body?: object): Promise<T> => {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    return (await fetch(`http://127.0.0.1:${port}${path}`, body ? post : {})).json() as T
  }
  let worker: ChildProcess | undefined
  return {
    port,
    run: () => [service.process, processOf('server', server), ...(worker ? [processOf('worker', worker)] : [])],
    addMany: async (jobs, data) => void (await call('/many', { jobs, data })),
    loadWorkers: async () => {
      const quiet = ['--without-gossip', '--without-mingle', '--without-heartbeat', '--loglevel', 'error']
      // Celery can't be loaded and wait: its start is included, a part of a second in a drain of minutes.
      return async () => {
        worker = program('celery', ['-A', 'celery_peer', 'worker', '--concurrency', String(WORKERS), ...quiet])
        await sleep(3_000)
      }
    },
    stopWorkers: async () => {
      if (worker) await end(worker)
      worker = undefined
    },
    left: async () => (await call<{ count: number }>('/left')).count,
    endedAt: async (ids) => new Map(Object.entries(await call<Record<string, number>>('/ended', { ids }))),
    stop: async () => {
      if (worker) await end(worker)
      await end(server)
    },
  }
}

const processOf = (name: string, { pid = 0 }: ChildProcess): RunningProcess => ({ name, pid, port: null })
