import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A component that can't be had here, and what would bring it. */
export class MissingError extends Error {
  override readonly name = 'MissingError'
}

export interface Running {
  stop(): Promise<void>
}

export interface ProcessOptions {
  command: string
  args: readonly string[]
  log: string
  env?: Record<string, string>
  /** Servers that refuse to run as root run as this user, if root starts them. */
  user?: { uid: number; gid: number } | undefined
  /** Whether it answers; asked again and again. */
  isReady: () => Promise<boolean>
  readySeconds?: number
}

/** Starts a server and resolves when it answers. @throws with the end of its log when it ends, or doesn't in time */
export const startProcess = async (options: ProcessOptions): Promise<Running> => {
  const { command, args, log, env = {}, user, isReady, readySeconds = 240 } = options
  const output = openSync(log, 'a')
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
    ...user,
  })
  closeSync(output)
  const exited = once(child, 'exit').catch((error: Error) => error)
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await Promise.race([exited, sleep(15_000, undefined, { ref: false })])
    if (isAlive(child)) child.kill('SIGKILL')
    await exited
  }
  const until = performance.now() + readySeconds * 1_000
  while (!(await isReady().catch(() => false))) {
    if (isAlive(child) && performance.now() < until) await sleep(200)
    else {
      await stop()
      throw new Error(`${command} did not start:\n${readFileSync(log, 'utf8').slice(-2_000)}`)
    }
  }
  return { stop }
}

const isAlive = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null

/** @throws {MissingError} unless the command is there */
export const demand = (command: string, how: string): void => {
  const { error } = spawnSync(command, ['--version'], { stdio: 'ignore' })
  if (error) throw new MissingError(`there is no ${command}: ${how}`)
}

/** Registries fail now and then. */
const TRIES = 3
const PAUSE_MS = 5_000

/** Runs a command that fetches something, again if it fails. @throws {MissingError} with what it said the last time */
export const fetchWith = async (
  command: string,
  args: readonly string[],
  what: string,
  env: NodeJS.ProcessEnv = {},
): Promise<void> => {
  const options = { env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const
  for (let attempt = 1; ; attempt++) {
    const { status, stdout, stderr } = spawnSync(command, args, options)
    if (status === 0) return
    const said = (stderr || stdout || `there is no ${command}`).trim().slice(-500)
    if (attempt === TRIES || status === null) throw new MissingError(`${what} cannot be had: ${said}`)
    console.log(`${what}: try ${attempt} of ${TRIES} failed`)
    await sleep(PAUSE_MS * attempt)
  }
}

/** Of a user of this system, for servers that don't run as root. */
export const userOf = (name: string): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout)
  return { uid: id('-u'), gid: id('-g') }
}

/** Ports that are free just now; all different. */
export const freePorts = async (count: number): Promise<number[]> => {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

export const answers = async (url: string): Promise<boolean> => (await fetch(url)).ok
