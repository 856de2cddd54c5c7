import { attempt } from '../core/attempt.ts'
import { stringifyAny } from '../core/stringify-any.ts'
import { PermanentError, RetryLater } from './define.ts'
import { stackOf } from './stack.ts'

/** What is kept of an error between threads, where its class is lost. */
export interface SerializedError {
  name: string
  message: string
  code?: string
  seconds?: number
  /** As {@link stackToKeep} says. */
  stack?: string
}

/** The parts of whatever a job threw. That may be anything, even an object whose properties throw when they are read. */
export const serializeError = (thrown: unknown): SerializedError => {
  if (!attempt(() => thrown instanceof Error)) return { name: 'ERROR', message: textOf(thrown) }
  const read = (key: string): unknown => attempt(() => (thrown as Record<string, unknown>)[key])
  const [name, message, code, seconds] = [read('name'), read('message'), read('code'), read('seconds')]
  const stack = stackToKeep(thrown)
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : textOf(message),
    ...(typeof code === 'string' && { code }),
    ...(typeof seconds === 'number' && { seconds }),
    ...(stack !== undefined && { stack }),
  }
}

/** Makes an error of its parts again, with its old stack: where it is remade tells nobody anything. */
export const deserializeError = ({
  name,
  message,
  code,
  seconds,
  stack = `${name}: ${message}`,
}: SerializedError): Error => {
  if (name === 'RetryLater' && seconds !== undefined) return new RetryLater(seconds, message)
  if (name === 'PermanentError' && code !== undefined)
    return new PermanentError(code, message, { cause: Object.assign(new Error(), { stack }) })
  return Object.assign(new Error(message), { name, stack, ...(code !== undefined && { code }) })
}

/** The stack with its causes. A `PermanentError` was thrown on purpose: of it, only the stack of its cause. */
export const stackToKeep = (thrown: unknown): string | undefined => {
  const isPermanent = attempt(() => (thrown as { name?: unknown }).name) === 'PermanentError'
  return stackOf(isPermanent ? attempt(() => (thrown as Error).cause) : thrown)
}

/** Whatever was thrown, as an error whose class, name and message can be read: itself, where it is one. */
export const toError = (thrown: unknown): Error =>
  isReadable(thrown) ? thrown : deserializeError(serializeError(thrown))

/** Whether an error only passes on that a signal was aborted. */
export const isAbortOf = ({ aborted, reason }: AbortSignal, error: Error): boolean =>
  aborted && (error === reason || error.name === 'AbortError')

const isReadable = (thrown: unknown): thrown is Error =>
  attempt(() => thrown instanceof Error && typeof thrown.name === 'string' && typeof thrown.message === 'string') ===
  true

const textOf = (value: unknown): string => attempt(() => asText(value)) ?? 'what was thrown has no text'

/** Of an object without a text of its own, its JSON. */
const asText = (value: unknown): string => {
  const text = String(value)
  return (text === '[object Object]' && stringifyAny(value)) || text
}
