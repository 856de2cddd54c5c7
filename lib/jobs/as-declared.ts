import type { z } from 'zod'
import { readableErrors } from '../core/readable-errors.ts'
import { fieldErrors } from '../http/problem.ts'
import { PermanentError } from './define.ts'

const CODES = { input: 'INPUT_INVALID', checkpoint: 'CHECKPOINT_INVALID', result: 'RESULT_INVALID' } as const

/** A job's input, checkpoint or result, as its kind's schema gives it. @throws {PermanentError} that names each wrong field */
export const asDeclared = (what: keyof typeof CODES, schema: z.ZodType, value: unknown): unknown => {
  const parsed = schema.safeParse(value, readableErrors(value))
  if (parsed.success) return parsed.data
  const { list, more } = fieldErrors(parsed.error, what)
  const fields = list.map(({ path, message }) => `${path}: ${message}`).join('; ')
  throw new PermanentError(CODES[what], `the ${what} is not what the kind declares: ${fields}${more}`)
}
