import type { z } from 'zod'

/**
 * Says in words what zod would say in its types: `is needed` instead of `expected nonoptional, received undefined`. A
 * schema's own messages, and bounds, stay as they are. A given value is only shown where a number was expected: others may be
 * secrets.
 *
 * @example
 * schema.safeParse(value, readableErrors(value))
 */
export const readableErrors = (given: unknown): { error: z.core.$ZodErrorMap } => ({
  error: (issue) => {
    if (!SAID.has(issue.code)) return undefined
    // A number that was coerced from text no longer has the text.
    const value = Number.isNaN(issue.input) ? valueAt(given, issue.path ?? []) : issue.input
    if (value === undefined) return 'is needed'
    if (issue.code !== 'invalid_type') return undefined
    if (issue.expected === 'number') return `must be a number, not ${shown(value)}`
    if (issue.expected === 'int') return `must be a whole number, not ${shown(value)}`
    const expected = NAMES[issue.expected]
    return expected && `must be ${expected}, not ${NAMES[typeOf(value)]}`
  },
})

const SAID = new Set(['invalid_type', 'invalid_value', 'invalid_union'])

/** As JSON Schema and zod call types, and as people do. */
const NAMES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

const typeOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)

const MAX_SHOWN = 40

const shown = (value: unknown): string => {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return NAMES[typeOf(value)] ?? typeof value
  return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value)
}

const valueAt = (given: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], given)
