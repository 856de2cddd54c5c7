import { setTimeout as sleep } from 'node:timers/promises'
import { type Container, startContainer } from './container.ts'

/** Where Lambda's emulator listens in the base images. It has no setting for it that needs no other entry point. */
const EMULATOR = 'http://127.0.0.1:8080/2015-03-31/functions/function/invocations'
const START_MS = 60_000

export interface Invocation {
  result: unknown
  ms: number
}

/** A container that runs one function of the image, as a sandbox of Lambda does. */
export interface Sandbox extends Pick<Container, 'freeze' | 'thaw'> {
  invoke(event: unknown): Promise<Invocation>
  /** Sends it SIGTERM. */
  terminate(): Promise<unknown>
  stop(): Promise<void>
}

/** Read-only but for /tmp, as on Lambda. */
export const startSandbox = async (
  image: string,
  command: string,
  environment: Record<string, string>,
  timeoutSeconds = 60,
): Promise<Sandbox> => {
  // The emulator reads LOG_LEVEL too, and doesn't know all of ours.
  const variables = { ...environment, LOG_LEVEL: 'warn', AWS_LAMBDA_FUNCTION_TIMEOUT: String(timeoutSeconds) }
  const container = startContainer({ image, command: [command], environment: variables })
  const { freeze, thaw } = container
  await listening(container.printed, container.exited)
  return {
    invoke: async (event) => {
      const start = performance.now()
      const answer = await fetch(EMULATOR, { method: 'POST', body: JSON.stringify(event) })
      return { result: await answer.json(), ms: performance.now() - start }
    },
    terminate: container.stop,
    stop: container.kill,
    freeze,
    thaw,
  }
}

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
