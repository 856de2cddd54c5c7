import { z } from 'zod'
import type { JobWithData, NewJob } from '../../db/queries/jobs.ts'
import type { Config } from '../../lib/core/config.ts'
import { id, timestamp } from '../../lib/http/schemas.ts'
import { STATES } from '../../lib/jobs/states.ts'
import type { WaitingBecause } from '../../lib/jobs/waiting.ts'
import { readTraceparent } from '../../lib/tracing/trace-context.ts'
import { viewOf } from './view-of.ts'

/** A job in lists: without input, partial and result. */
export const jobSummary = z
  .object({
    id,
    projectId: id,
    kind: z.string().meta({ example: 'math.pi' }),
    queue: z.string().meta({ example: 'compute' }),
    name: z.string().nullable(),
    state: z.enum(STATES).meta({ example: 'running' }),
    priority: z.int().meta({ description: 'The highest goes first.' }),
    tags: z.array(z.string()),
    progress: z.number().meta({ description: 'How much is done, from 0 to 1.', example: 0.42 }),
    attempt: z.int().meta({ description: 'The current attempt, from 1.' }),
    maxAttempts: z.int(),
    stint: z.int().meta({ description: 'How many stints have begun.' }),
    crashes: z.int().meta({ description: 'Processes lost in a row without a new checkpoint.' }),
    timeoutSeconds: z.int(),
    runMs: z.int().meta({ description: 'Running time of the stints that ended.' }),
    queuedAt: timestamp,
    startAt: timestamp.meta({ description: 'The job is due from then on.' }),
    expiresAt: timestamp.nullable().meta({
      description: 'The job is cancelled if no stint has begun by then; null: it never expires.',
    }),
    startedAt: timestamp.nullable(),
    stintStartedAt: timestamp.nullable().meta({ description: 'When its latest stint began.' }),
    finishedAt: timestamp.nullable(),
    cancelRequestedAt: timestamp.nullable(),
    cancelAcknowledgedAt: timestamp
      .nullable()
      .meta({ description: 'When the worker that runs it heard of the cancel.' }),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: 'JobSummary' })

/** A job with all that is known of it. */
export const job = jobSummary
  .extend({
    createdBy: id.nullable().meta({
      description: 'The person who submitted it, also through an API key, a schedule or a job; null: Stint itself.',
    }),
    submittedBy: id.nullable().meta({ description: 'The job that submitted it; it may have been deleted.' }),
    onParentFailure: z
      .enum(['fail', 'run', 'skip'])
      .meta({ description: 'What happens if a job that it runs after does not succeed.' }),
    uniqueKey: z.string().nullable(),
    input: z.unknown(),
    partial: z.unknown().meta({ description: 'The result so far; null if there is none.' }),
    result: z.unknown().meta({ description: 'Null until the job has succeeded.' }),
    traceId: z.string().nullable().meta({ description: 'The id of its OpenTelemetry trace; null if it has none.' }),
  })
  .meta({ id: 'Job' })

export const jobReply = z.object({ job })

const at = {
  expectedStartAt: timestamp
    .nullable()
    .meta({ description: 'At the pace of the last minute; null if it can’t be told.' }),
}

/** Why a job isn't running. */
const waitingBecause = z
  .discriminatedUnion('reason', [
    z.object({
      reason: z.literal('after'),
      jobs: z.int(),
      jobIds: z.array(id).meta({ description: 'Ten of them at most.' }),
      ...at,
    }),
    z.object({ reason: z.enum(['delayed', 'retry']), until: timestamp, ...at }),
    z.object({ reason: z.literal('paused'), queue: z.string(), ...at }),
    z.object({
      reason: z.literal('unknown-kind'),
      kind: z.string().meta({ description: 'It was removed after the job was submitted.' }),
      ...at,
    }),
    z.object({
      reason: z.literal('limit'),
      limit: z.int(),
      of: z.enum(['kind', 'key', 'rate']),
      key: z.string().optional().meta({ description: 'Of `key`: which one; a hash of it, if it is long.' }),
      ...at,
    }),
    z.object({
      reason: z.literal('behind'),
      jobs: z
        .int()
        .meta({ description: 'How many jobs are ahead of it: of its project, or of its kind if that has limits.' }),
      ...at,
    }),
  ])
  .meta({ id: 'WaitingBecause' })

export const stackReply = z.string().nullable().meta({
  description:
    'Where the error was thrown, and its causes, at most 8 KiB; null for errors that the kind or Stint expects.',
})

/** One job, explained. */
export const explainedJobReply = z.object({
  job: job
    .extend({
      stack: stackReply,
      waitingBecause: waitingBecause.nullable(),
      lastSafePointAt: timestamp.nullable().meta({
        description: 'When the latest safe point of a running job was saved. Null if it has none, or does not run.',
      }),
      traceUrl: z.url().nullable().meta({ description: 'Where its trace is shown; null if this is not configured.' }),
    })
    .meta({ id: 'ExplainedJob' }),
})

export const toWaitingBecause = (it: WaitingBecause | null): z.input<typeof waitingBecause> | null => {
  if (!it) return null
  const expectedStartAt = it.expectedStartAt?.toISOString() ?? null
  return 'until' in it ? { ...it, until: it.until.toISOString(), expectedStartAt } : { ...it, expectedStartAt }
}

export const toSummary = viewOf(jobSummary)

const viewOfJob = viewOf(job)

export const toJob = (row: JobWithData): z.input<typeof job> => viewOfJob({ ...row, traceId: traceIdOf(row) })

const traceIdOf = ({ traceparent }: Pick<JobWithData, 'traceparent'>): string | null =>
  readTraceparent(traceparent)?.traceId ?? null

/** Where a job's trace is shown: nowhere, if it was not recorded. */
export const traceUrlOf = ({ tracing: { urlTemplate } }: Config, { traceparent }: JobWithData): string | null => {
  const context = readTraceparent(traceparent)
  return context?.sampled ? (urlTemplate?.replaceAll('{traceId}', context.traceId) ?? null) : null
}

/** What is alike in all jobs of which nothing has happened yet; one that expires is read back. */
const UNTOUCHED = {
  state: 'queued' as const,
  ...{ progress: 0, attempt: 1, stint: 0, crashes: 0, runMs: 0, error: null, partial: null, result: null },
  ...{ expiresAt: null, startedAt: null, stintStartedAt: null, finishedAt: null },
  ...{ cancelRequestedAt: null, cancelAcknowledgedAt: null },
}

/** A job as it stands right after its insertion, without reading it back. */
export const justQueued = (row: NewJob, at: { queuedAt: Date; startAt: Date }): z.input<typeof job> =>
  viewOfJob({ ...row, ...at, ...UNTOUCHED, input: JSON.parse(row.input), traceId: traceIdOf(row) })
