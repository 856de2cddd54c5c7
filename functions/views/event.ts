import { z } from 'zod'
import type { EventRow } from '../../db/queries/events.ts'
import { timestamp } from '../../lib/http/schemas.ts'

// What each type of event tells, here and in Kafka (docs/events.md). It is written by the statements that change jobs.

const count = z.int().min(0)
/** As PostgreSQL writes it in JSON: RFC 3339 with an offset. */
const at = z.iso.datetime({ offset: true })
const error = z.object({ code: z.string(), message: z.string() })

/** A job that waits. */
const waits = z.object({
  kind: z.string(),
  queue: z.string(),
  name: z.string().nullable().optional(),
  attempt: count,
  startAt: at.optional().meta({ description: 'It is due then.' }),
  waitsFor: count.optional().meta({ description: 'How many jobs must end first.' }),
  reason: z
    .enum(['retried', 'redriven', 'changed', 'recounted'])
    .optional()
    .meta({ description: 'Why it waits anew. Left out of a new job, and of one whose parents have ended.' }),
  changed: z.array(z.string()).optional().meta({ description: 'Of a changed job: which fields.' }),
})

/** The end of a stint. */
const stintEnded = {
  stint: count,
  attempt: count.meta({ description: 'The one that follows, if there is one.' }),
  runMs: count.meta({ description: 'Of the stint.' }),
  progress: z.number(),
}

/** The end of a job that never ran, for its parents' sake. */
const neverRan = {
  kind: z.string().optional(),
  queue: z.string().optional(),
  name: z.string().optional(),
}

/** Named `JobSucceededEvent` and so on in the OpenAPI document, for the sake of clients that are made from it. */
const event = <T extends string, D extends z.ZodObject>(type: `job.${T}`, data: D) => {
  const id = `Job${type.charAt(4).toUpperCase()}${type.slice(5)}Event`
  return z.object({ seq: count, type: z.literal(type), data, createdAt: timestamp }).meta({ id })
}

export const jobEvent = z
  .discriminatedUnion('type', [
    event('job.blocked', waits),
    event('job.queued', waits),
    event(
      'job.started',
      z.object({
        stint: count,
        attempt: count,
        worker: z.string().nullable(),
        resumed: z.boolean().meta({ description: 'From a checkpoint.' }),
      }),
    ),
    event('job.progressed', z.object({ stint: count, progress: z.number() })),
    event(
      'job.cancelling',
      z.object({
        stint: count,
        step: z.enum(['requested', 'acknowledged']).meta({ description: 'By whoever asked, and by the worker.' }),
        requestedAt: at.optional(),
      }),
    ),
    event(
      'job.retried',
      z.object({ ...stintEnded, startAt: at, reason: z.literal('postponed').optional(), error: error.optional() }),
    ),
    event('job.continued', z.object({ ...stintEnded, startAt: at, reason: z.enum(['lease lost', 'safe point']) })),
    event('job.succeeded', z.object(stintEnded)),
    event('job.failed', z.object({ ...z.object(stintEnded).partial().shape, ...neverRan, error })),
    event(
      'job.cancelled',
      z.object({
        ...z.object(stintEnded).partial().shape,
        ...neverRan,
        stopped: z.enum(['before it ran', 'at a safe point', 'fenced off', 'by a throw']).optional(),
        requestedAt: at.optional(),
        acknowledgedAt: at.optional(),
        reason: z.literal('expired').optional(),
        expiresAt: at.optional(),
        error: error.optional(),
      }),
    ),
  ])
  .meta({ id: 'JobEvent' })

export const toEvent = ({ seq, type, data, createdAt }: EventRow): z.input<typeof jobEvent> =>
  ({ seq, type, data, createdAt: createdAt.toISOString() }) as z.input<typeof jobEvent>
