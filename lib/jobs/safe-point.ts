import { type JobKind, PermanentError, type SafePoint } from './define.ts'

type Kind = Pick<JobKind, 'kind' | 'checkpoint'>

/**
 * What a job yielded as a safe point, without what it left undefined. Node runs TypeScript without checking its types: with a
 * misspelt `checkpoint`, a job would begin anew each time that it is stopped, and nobody would be told. It is called for each
 * yield, so it checks no value against a schema.
 * @throws {PermanentError} SAFE_POINT_INVALID, PROGRESS_INVALID: which kind yields what, and what it should
 */
export const toSafePoint = (kind: Kind, yielded: unknown): SafePoint<unknown> => {
  if (typeof yielded !== 'object' || yielded === null || Array.isArray(yielded))
    throw invalid(kind, `${shown(yielded)}, and no object: { checkpoint, progress, partial }, or {} to say nothing`)
  const said: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(yielded)) {
    if (!Object.hasOwn(FIELDS, field))
      throw invalid(kind, `"${field}", which no safe point has: expected ${Object.keys(FIELDS).join(', ')}`)
    if (value !== undefined) said[field] = value
  }
  const point: SafePoint<unknown> = said
  if (point.checkpoint !== undefined && !kind.checkpoint)
    throw invalid(kind, 'a checkpoint, and declares none: expected its schema, without which no stint goes on from it')
  if (point.progress !== undefined && !Number.isFinite(point.progress)) {
    const message = `the kind ${kind.kind} yields the progress ${shown(point.progress)}, and not a number from 0 to 1`
    throw new PermanentError('PROGRESS_INVALID', message)
  }
  return point
}

const FIELDS: Record<keyof SafePoint<unknown>, true> = {
  checkpoint: true,
  progress: true,
  partial: true,
  durable: true,
}

const invalid = ({ kind }: Kind, what: string): PermanentError =>
  new PermanentError('SAFE_POINT_INVALID', `the kind ${kind} yields ${what}`)

const shown = (value: unknown): string => {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'function' || (typeof value === 'object' && value !== null))
    return `a value of the type ${typeof value}`
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
}

/** So far beyond 0 and 1 sums of fractions don't come. */
const STRAY = 0.01

/** Whether a progress is no part of a whole, but percent, say, or a count. */
export const isStray = (progress: number): boolean => progress < -STRAY || progress > 1 + STRAY
