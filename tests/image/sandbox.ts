import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where Lambda's emulator listens in the base images. It has no setting for it that needs no other entry point. */
const EMULATOR = 'http://127.0.0.1:8080/2015-03-31/functions/function/invocations'
const START_MS = 60_000

export interface Invocation {
  result: unknown
  ms: number
}

/** A container that runs one function of the image, as a sandbox of Lambda does. */
export interface Sandbox {
  invoke(event: unknown): Promise<Invocation>
  printed(): string
  stop(): Promise<void>
}

/** On the machine's own network, where the test's Postgres, SQS, S3 and Kafka listen. */
export const startSandbox = async (
  image: string,
  command: string,
  environment: Record<string, string>,
  timeoutSeconds = 60,
): Promise<Sandbox> => {
  // The emulator reads LOG_LEVEL too, and doesn't know all of ours.
  const variables = { ...environment, LOG_LEVEL: 'warn', AWS_LAMBDA_FUNCTION_TIMEOUT: String(timeoutSeconds) }
  const name = `stint-test-${process.pid}`
  const child = spawn(
    'docker',
    // Read-only but for /tmp, as on Lambda.
    [
      'run',
      '--rm',
      '--name',
      name,
      '--network',
      'host',
      '--read-only',
      '--tmpfs',
      '/tmp',
      ...asOptions(variables),
      image,
      command,
    ],
    { env: { ...process.env, ...variables }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text))
  const exited = once(child, 'exit')
  await listening(() => printed, exited)
  return {
    invoke: async (event) => {
      const start = performance.now()
      const answer = await fetch(EMULATOR, { method: 'POST', body: JSON.stringify(event) })
      return { result: await answer.json(), ms: performance.now() - start }
    },
    printed: () => printed,
    stop: async () => {
      spawnSync('docker', ['kill', name])
      await exited
    },
  }
}

/** By name alone: their values are in the client's environment, and not on a command line that everybody can read. */
const asOptions = (variables: Record<string, string>): string[] =>
  Object.keys(variables).flatMap((name) => ['--env', name])

const listening = async (printed: () => string, exited: Promise<unknown>): Promise<void> => {
  const ended = exited.then(() => true)
  const until = performance.now() + START_MS
  for (;;) {
    if (await Promise.race([ended, sleep(20, false)])) throw new Error(`the container ended: ${printed()}`)
    if (await isOpen()) return
    if (performance.now() > until) throw new Error(`the container does not listen: ${printed()}`)
  }
}

const isOpen = async (): Promise<boolean> =>
  await fetch(new URL('/', EMULATOR)).then(
    () => true,
    () => false,
  )
