import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { acquireLock, type Lock } from '../shared/lock.ts'
import { appendTo } from '../shared/log-file.ts'
import { type Exit, serveParent } from './component.ts'
import { freePort } from './free-port.ts'
import { type Cluster, prepareCluster } from './postgres-cluster.ts'
import { freeDataFolder } from './postgres-lock.ts'
import { freeSocketFolder, socketSettings } from './postgres-socket.ts'
import { lacksSocket, reasonOf } from './postgres-words.ts'

// The process that owns a Postgres server. The server doesn't notice when the process that started it is killed; this one
// does, and then ends the server, so that none is left behind on the data folder.

export interface GuardianOptions {
  dataDir: string
  /** 0: any free one. */
  port: number
  settings: Record<string, string>
}

export interface GuardianReady {
  pid: number
  port: number
  password: string
  /** The folder of its Unix socket, if it has one. */
  socketFolder: string | undefined
}

/** Failures that pass: the backends of a killed server, and sockets, may still hold on to things for a moment. */
const PASSING =
  /pre-existing shared memory block|lock file "postmaster\.pid" already exists|could not bind IPv4 address/
const PASSES_AFTER_SECONDS = 20
const LOG_BYTES = 10 * 1024 * 1024

const TURN_SECONDS = 120

const start = async (options: GuardianOptions) => {
  const turn = await takeTurn(options.dataDir)
  try {
    return await startAlone(options)
  } finally {
    // If nobody waits for it any more, it keeps its turn until its server and this process have ended.
    if (process.connected) turn.release()
  }
}

/** Waits for a guardian that still works on this folder although its parent was killed. It ends by itself. */
const takeTurn = async (dataDir: string): Promise<Lock> => {
  for (const deadline = Date.now() + TURN_SECONDS * 1_000; Date.now() < deadline; await sleep(50)) {
    const turn = acquireLock(dataDir)
    if (turn) return turn
  }
  throw new Error(`another process has been starting Postgres on ${dataDir} for ${TURN_SECONDS} s`)
}

const startAlone = async ({ dataDir, port, settings }: GuardianOptions) => {
  const cluster = await prepareCluster(dataDir, settings['fsync'] !== 'off')
  if (!process.connected) throw new Error('nobody waits for this server any more')
  let withSocket = true
  for (const deadline = Date.now() + PASSES_AFTER_SECONDS * 1_000; ; await sleep(200)) {
    await freeDataFolder(cluster.data)
    const chosen = port || (await freePort())
    const socketFolder = withSocket ? await freeSocketFolder(cluster.home, chosen) : undefined
    const server = await startServer(cluster, chosen, { ...settings, ...socketSettings(socketFolder) })
    if ('pid' in server) {
      const ready: GuardianReady = { pid: server.pid, port: chosen, password: cluster.password, socketFolder }
      void server.exited.then(leave)
      return { ready, stop: server.stop }
    }
    // Not every file system can hold sockets. The port is enough.
    if (withSocket && lacksSocket(server.words)) withSocket = false
    else if (!PASSING.test(server.words) || Date.now() > deadline) throw new Error(reasonOf(server.words))
  }
}

/** Ends this process with the exit code of the server. */
const leave = ({ code, signal }: Exit): void => {
  process.send?.({ exited: { code, signal } }, () => process.exit(code ?? 1))
  if (!process.connected) process.exit(code ?? 1)
}

type Server = { pid: number; exited: Promise<Exit>; stop: () => Promise<void> } | { words: string }

/**
 * glibc gives memory back to the system after each large statement, and then the next one has to touch all its pages anew. So
 * a backend keeps up to 16 MB, and asks for 1 MB at a time (mallopt(3)). Elsewhere these variables mean nothing.
 */
const KEPT_MEMORY = {
  MALLOC_TRIM_THRESHOLD_: String(16 * 1024 * 1024),
  MALLOC_MMAP_THRESHOLD_: String(16 * 1024 * 1024),
  MALLOC_TOP_PAD_: String(1024 * 1024),
}

/** Starts the server and resolves when it takes connections (crash recovery included), or when it has given up. */
const startServer = (cluster: Cluster, port: number, settings: Record<string, string>): Promise<Server> => {
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(cluster.postgres, ['-D', cluster.data, '-p', String(port), ...flags], {
    ...cluster.runAs,
    cwd: cluster.data,
    env: { LC_MESSAGES: 'C', TZ: 'UTC', ...KEPT_MEMORY },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  const log = appendTo(cluster.log, LOG_BYTES, 0o600)
  let words = ''
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      log.write(chunk)
      words = (words + chunk).slice(-2_000)
      if (words.includes('database system is ready to accept connections') && child.pid)
        resolve({ pid: child.pid, exited, stop: () => stopServer(child, exited) })
    })
    // A moment after its exit, for its last words. The pipe itself may stay open longer, in the hands of leftover backends.
    void exited.then(() => setTimeout(() => resolve({ words: words.trim() }), 50))
  })
}

/** Fast shutdown: rolls back open transactions and writes a checkpoint. If that takes too long, it is left to recovery. */
const stopServer = async (server: ChildProcess, exited: Promise<Exit>): Promise<void> => {
  server.kill('SIGINT')
  const timer = setTimeout(() => server.kill('SIGQUIT'), 10_000)
  await exited
  clearTimeout(timer)
}

serveParent(start)
