import type { Schema } from '../../forms/schema.ts'

const TEN_YEARS_SECONDS = 315_360_000

/** The options of any job, beside its input: the fields of `POST /jobs` that somebody at a form needs. */
export const OPTIONS: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string', description: 'Shown in lists' },
    tags: { type: 'array', items: { type: 'string' }, description: 'To find the job again' },
    priority: { type: 'integer', minimum: -10, maximum: 10, description: 'The highest runs first' },
    delaySeconds: {
      type: 'integer',
      minimum: 0,
      maximum: TEN_YEARS_SECONDS,
      description: 'Starts this much later',
    },
    expiresInSeconds: {
      type: 'integer',
      minimum: 1,
      maximum: TEN_YEARS_SECONDS,
      description: 'Cancelled if it has not started within this time',
    },
    maxAttempts: { type: 'integer', minimum: 1, maximum: 100 },
    timeoutSeconds: { type: 'integer', minimum: 1, maximum: 2_592_000, description: 'Running time over all stints' },
  },
}
