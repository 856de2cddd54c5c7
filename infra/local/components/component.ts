import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { compileCacheVariables } from '../shared/compile-cache.ts'

/** A part of the local stack: one process of its own, which dies with the process that started it. */
export interface Component {
  name: string
  /** The process that does the work: kill it, and the component is gone. */
  pid: number
  port: number
  /** Ends it gracefully. */
  stop(): Promise<void>
  /** Resolves when the process is gone, whoever ended it. */
  exited: Promise<Exit>
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  /** Why the process could not be started at all. */
  failure?: Error
}

/** As `SIGKILL`, `exit code 1`, or `spawn node EMFILE` of a process that could not be started. */
export const howEnded = ({ code, signal, failure }: Exit): string => failure?.message ?? signal ?? `exit code ${code}`

export interface Child<Ready> {
  process: ChildProcess
  ready: Ready
  exited: Promise<Exit>
  stop(): Promise<void>
}

/** Messages of a component's process to its parent. */
export type ChildMessage<Ready> = { ready: Ready } | { failed: string }

export class ComponentError extends Error {
  override readonly name = 'ComponentError'
}

const STOP_SECONDS = 15

/**
 * Starts `entry` as a child process and resolves with what it reports when it is ready. It has a process group of its
 * own, so that a Ctrl-C in the terminal reaches only the parent, which then stops its parts in order.
 * @throws {ComponentError} with the process's last words when it fails or takes longer than `readySeconds`
 */
export const startChild = async <Ready>(given: {
  name: string
  /** File name, beside this one. */
  entry: string
  /** Options for the process, or a promise of them: the process loads its code meanwhile. */
  options: unknown
  /** After it has its options. */
  readySeconds: number
  env?: Record<string, string>
  /** Options of Node. */
  execArgv?: string[]
  onLine?: (line: string) => void
  /** Called with all other messages of the process, from its start on. */
  onMessage?: (message: object) => void
  /** Ends a start that can no longer succeed; its reason is the error. */
  signal?: AbortSignal
}): Promise<Child<Ready>> => {
  const child = fork(fileURLToPath(new URL(given.entry, import.meta.url)), {
    detached: true,
    execArgv: ['--disable-warning=ExperimentalWarning', ...(given.execArgv ?? [])],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      TMPDIR: process.env['TMPDIR'],
      ...compileCacheVariables(),
      ...given.env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  if (given.onMessage) child.on('message', given.onMessage)
  const lastWords = listen(child, given.onLine)
  const exited = exitOf(child)
  const stop = async (): Promise<void> => {
    if (child.connected) child.send({ stop: true }, () => {})
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1_000)
    await exited
    clearTimeout(timer)
  }
  const { promise: ready, resolve, reject } = Promise.withResolvers<Ready>()
  const fail = (reason: string) => reject(new ComponentError(`${given.name} did not start: ${reason}`))
  child.on('message', (message: ChildMessage<Ready>) => {
    if ('ready' in message) resolve(message.ready)
    if ('failed' in message) fail(message.failed)
  })
  given.signal?.addEventListener('abort', ({ target }) => {
    fail(String((target as AbortSignal).reason))
    child.kill('SIGKILL')
  })
  void exited.then((exit) => fail(`it ended with ${howEnded(exit)}\n${lastWords()}`))
  try {
    const options = await Promise.race([given.options, ready])
    const late = () => fail(`not ready after ${given.readySeconds} s\n${lastWords()}`)
    const timer = setTimeout(late, given.readySeconds * 1_000)
    void ready.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    )
    child.send({ start: options }, () => {})
    return { process: child, ready: await ready, exited, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Resolves when a process has ended, or could not be started. */
export const exitOf = (child: ChildProcess): Promise<Exit> =>
  new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    // All of them, since an error that nobody listens for would end this process.
    child.on('error', (failure) => resolve({ code: null, signal: null, failure }))
  })

const listen = (child: ChildProcess, onLine: ((line: string) => void) | undefined): (() => string) => {
  let tail = ''
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      tail = (tail + chunk).slice(-4_000)
      if (!onLine) return
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) onLine(line)
    })
  }
  return () => tail.trim()
}

/**
 * The other side of {@link startChild}: runs `start` with the options from the parent, tells it the outcome, and ends the
 * process when the parent asks for that, or has ended itself.
 */
export const serveParent = <Options, Ready>(
  start: (options: Options) => Promise<{ ready: Ready; stop: () => Promise<void> }>,
): void => {
  let running: ReturnType<typeof start> | undefined
  const end = async (): Promise<void> => {
    const started = await running?.catch(() => undefined)
    await started?.stop()
    process.exit(0)
  }
  process.on('disconnect', () => void end())
  process.on('SIGTERM', () => void end())
  process.on('SIGINT', () => {})
  process.on('message', (message: { start: Options } | { stop: true }) => {
    if ('stop' in message) return void end()
    if (!('start' in message)) return
    running = start(message.start)
    running.then(
      ({ ready }) => process.send?.({ ready } satisfies ChildMessage<Ready>),
      (error: unknown) => {
        process.send?.({ failed: wordsOf(error) } satisfies ChildMessage<Ready>, () => process.exit(1))
      },
    )
  })
}

/** An error's message. For code that can't be loaded it includes the place, which Node puts in front of the stack. */
const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const { message, stack = '' } = error
  if (!(error instanceof SyntaxError) || !stack.includes('node:internal/modules/')) return message
  const [place = ''] = stack.split(/\n+SyntaxError\b/, 1)
  if (!place.startsWith('file:')) return `${message}\nWhere that is, \`npm run types\` says.`
  return `${message}\n${place}`
}
