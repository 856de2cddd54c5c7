import { attempt } from '../core/attempt.ts'
import { stringifyAny } from '../core/stringify-any.ts'
import { stackOf } from './stack.ts'
import { serializeError } from './thrown.ts'

// What jobs log may be anything: Node runs TypeScript without looking at its types, and people log what they caught.

/** A message as text: of an error its stack, of anything else as {@link serializeError} tells it. */
export const toLogText = (logged: unknown): string =>
  typeof logged === 'string' ? logged : (stackOf(logged) ?? serializeError(logged).message)

/** Data as JSON: an error in it, of which JSON would keep nothing, becomes its text. */
export const toLogJson = (data: unknown): string =>
  stringifyAny(data, (_, value) => (attempt(() => value instanceof Error) ? toLogText(value) : value)) ?? 'null'
