import { z } from 'zod'
import type { JobKind } from '../../lib/jobs/define.ts'
import { QUEUES } from '../../lib/queue/doorbells.ts'

const count = z.int().min(1)

/** What a kind declares, as far as it concerns those who submit its jobs. */
export const jobKind = z
  .object({
    kind: z.string(),
    summary: z.string(),
    queue: z.enum(QUEUES),
    maxAttempts: count,
    timeoutSeconds: count.meta({ description: 'Running time over all stints.' }),
    concurrency: count.meta({ description: 'Jobs of the kind that one invocation runs at once.' }),
    backoff: z
      .object({ baseSeconds: z.number(), capSeconds: z.number() })
      .meta({ description: 'Between tries: exponential, with full jitter.' }),
    limits: z
      .object({
        running: count.nullable().meta({ description: 'Jobs of the kind that run at once.' }),
        runningPerKey: count
          .nullable()
          .meta({ description: 'Jobs of one key that run at once; the key is made of the input.' }),
        rate: z.object({ starts: count, perSeconds: z.number() }).nullable(),
      })
      .nullable()
      .meta({ description: 'Over all processes; null: none.' }),
    isolation: z
      .enum(['shared', 'thread'])
      .meta({ description: '`thread`: it computes, and can be stopped between two safe points.' }),
    input: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema of the input.' }),
    output: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema of the result.' }),
  })
  .meta({ id: 'JobKind' })

export const toKind = (it: JobKind): z.input<typeof jobKind> => ({
  kind: it.kind,
  summary: it.summary,
  queue: it.queue,
  maxAttempts: it.maxAttempts,
  timeoutSeconds: it.timeoutSeconds,
  concurrency: it.concurrency,
  backoff: it.backoff,
  limits: toLimits(it),
  isolation: it.isolation,
  input: jsonSchema(it.kind, it.input, 'input'),
  output: jsonSchema(it.kind, it.output, 'output'),
})

/** @throws {Error} that names the kind, where JSON Schema has no word for a part of it */
const jsonSchema = (kind: string, schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> => {
  try {
    return z.toJSONSchema(schema, { io })
  } catch (cause) {
    throw new Error(`the ${io} of ${kind} has no JSON Schema: ${(cause as Error).message}`, { cause })
  }
}

const toLimits = ({ limits }: JobKind): z.input<typeof jobKind>['limits'] => {
  if (!limits) return null
  const { running = null, runningPerKey = null, rate = null } = limits
  return { running, runningPerKey, rate }
}
