import { z } from 'zod'
import { readableErrors } from '../core/readable-errors.ts'

const MAX_SMALLINT = 32_767
const MAX_INTEGER = 2_147_483_647

const schema = z.custom<z.ZodType>((it) => typeof (it as z.ZodType | undefined)?.safeParse === 'function', {
  error: 'must be a schema of zod’s',
})
const callback = z.custom<() => unknown>((it) => typeof it === 'function', { error: 'must be a function' })
const whole = (max: number) => z.int().min(1).max(max)

/** What may be said of a kind; the code that reads `queue`, `isolation` and `run` says more about them. */
const declarable = z.strictObject({
  kind: z.string().min(1).max(100),
  summary: z.string(),
  input: schema,
  output: schema,
  checkpoint: schema.optional(),
  checkpointVersion: whole(MAX_SMALLINT).optional(),
  queue: z.unknown().optional(),
  maxAttempts: whole(MAX_SMALLINT).optional(),
  timeoutSeconds: whole(MAX_INTEGER).optional(),
  concurrency: whole(MAX_INTEGER).optional(),
  backoff: z.strictObject({ baseSeconds: z.number().min(0), capSeconds: z.number().min(0) }).optional(),
  limits: z
    .strictObject({
      running: whole(MAX_INTEGER).optional(),
      concurrencyKey: callback.optional(),
      runningPerKey: whole(MAX_INTEGER).optional(),
      rate: z.strictObject({ starts: z.number().min(1), perSeconds: z.number().positive() }).optional(),
    })
    .optional(),
  migrateCheckpoint: callback.optional(),
  isolation: z.unknown().optional(),
  run: callback,
})

/** @throws {TypeError} that names the kind and each field that no kind has, or that no kind can have like this */
export const requireDeclarable = (declared: { kind: string }): void => {
  const parsed = declarable.safeParse(declared, readableErrors(declared))
  if (parsed.success) return
  const problems = parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
  throw new TypeError(`The kind ${declared.kind}: ${problems.join('; ')}`)
}
