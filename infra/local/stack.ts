import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type RunningProcess, readRunFile } from './supervisor/run-file.ts'

export interface StackOptions {
  dataDir: string
  /** 0 or none: any free one. */
  port?: number
  env?: Record<string, string>
  /** Keeps what `npm start` prints to itself. */
  quiet?: boolean
}

/** A whole stack that runs beside this process, as `npm start` runs it. It stops when this process ends. */
export interface Stack {
  url: string
  /** Of the supervisor. */
  pid: number
  /** What runs just now. */
  run(): RunningProcess[]
  /** What was printed so far. */
  printed(): string
  /** Stops it in order. */
  stop(): Promise<void>
  exited: Promise<unknown>
}

export class StackError extends Error {
  override readonly name = 'StackError'
}

/** Starts a stack and resolves when all its parts are ready. @throws {StackError} with what it printed when it can't */
export const startStack = async ({ dataDir, port = 0, env = {}, quiet = true }: StackOptions): Promise<Stack> => {
  const child = fork(fileURLToPath(new URL('./start.mjs', import.meta.url)), {
    env: { ...process.env, ...env, PORT: String(port), STINT_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-100_000)
      if (!quiet) process.stdout.write(text)
    })
  }
  const exited = once(child, 'close')
  const ready = await Promise.race([
    once(child, 'message').then(([message]) => (message as { ready: { url: string } }).ready),
    exited.then(() => undefined),
  ])
  if (!ready) throw new StackError(printed.trim())
  return {
    url: ready.url,
    pid: child.pid ?? 0,
    run: () => readRunFile(dataDir),
    printed: () => printed,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
    exited,
  }
}
