import { z } from 'zod'
import * as events from '../../db/queries/events.ts'
import * as jobLogs from '../../db/queries/job-logs.ts'
import * as stints from '../../db/queries/stints.ts'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { decodeCursor, id, jsonBytes, page, pageOf, timestamp, toPage } from '../../lib/http/schemas.ts'
import { removeJob } from '../../lib/jobs/remove-jobs.ts'
import { retryJob } from '../../lib/jobs/retry-jobs.ts'
import { fields, refuseContradictions } from '../../lib/jobs/submission-fields.ts'
import { explainWaiting } from '../../lib/jobs/waiting.ts'
import { kinds } from '../jobs/index.ts'
import { audit } from '../use-cases/audit.ts'
import { requireJob } from '../use-cases/job-access.ts'
import { cancelOne } from '../use-cases/job-cancel.ts'
import { changeOne } from '../use-cases/job-change.ts'
import { jobQuery, listJobs } from '../use-cases/job-list.ts'
import { jobEvent, toEvent } from '../views/event.ts'
import {
  explainedJobReply,
  jobReply,
  jobSummary,
  stackReply,
  toJob,
  toWaitingBecause,
  traceUrlOf,
} from '../views/job.ts'
import { jobKind, toKind } from '../views/kind.ts'
import { viewOf } from '../views/view-of.ts'

const jobId = z.object({ jobId: id })
const positive = z.int().min(0)
/** Events and stints are numbered in integers of 32 bits. */
const nth = z.int32().min(0)

const listKinds = route({
  method: 'GET',
  path: '/job-kinds',
  summary: 'The kinds of job there are',
  actor: 'user',
  scope: 'jobs:read',
  replies: { 200: z.object({ items: z.array(jobKind) }) },
  run: async () => ({ status: 200, body: { items: kindViews() } }),
})

let shownKinds: ReturnType<typeof toKind>[] | undefined

/** Made once, at the first request: they only change with the code. */
const kindViews = () => {
  shownKinds ??= kinds.map(toKind)
  return shownKinds
}

const list = route({
  method: 'GET',
  path: '/jobs',
  summary: 'Jobs, newest first',
  description:
    'A page may hold fewer jobs than `limit`, or none, and still have a `nextCursor`: one request looks at 20 000 jobs at ' +
    'most, or with `text` at 5 000.',
  actor: 'user',
  scope: 'jobs:read',
  query: jobQuery,
  replies: { 200: pageOf(jobSummary) },
  errors: ['PROJECT_NOT_FOUND', 'JOB_NOT_FOUND', 'RATE_LIMITED'],
  run: async ({ app, actor, query }) => ({ status: 200, body: await listJobs(app, actor, query) }),
})

const get = route({
  method: 'GET',
  path: '/jobs/{jobId}',
  summary: 'One job, with its input, partial result and result, and why it waits',
  actor: 'user',
  scope: 'jobs:read',
  params: jobId,
  replies: { 200: explainedJobReply },
  errors: ['JOB_NOT_FOUND'],
  run: async ({ app, actor, params }) => {
    const row = await requireJob(app, actor, params.jobId, 'viewer')
    const waitingBecause = toWaitingBecause(await explainWaiting(app, kinds, row))
    const stack = row.error && (await stints.findStack(app.sql, row.id, row.error))
    const safePoint = row.state === 'running' ? await events.findLastSafePoint(app.sql, row.id) : null
    const lastSafePointAt = safePoint?.toISOString() ?? null
    const traceUrl = traceUrlOf(app.config, row)
    return { status: 200, body: { job: { ...toJob(row), stack, waitingBecause, lastSafePointAt, traceUrl } } }
  },
})

const listEvents = route({
  method: 'GET',
  path: '/jobs/{jobId}/events',
  summary: "A job's events, oldest first",
  actor: 'user',
  scope: 'jobs:read',
  params: jobId,
  query: z.object(page),
  replies: { 200: pageOf(jobEvent) },
  errors: ['JOB_NOT_FOUND'],
  run: async ({ app, actor, params, query: { limit, cursor } }) => {
    const job = await requireJob(app, actor, params.jobId, 'viewer')
    const rows = await events.list(app.sql, job.id, decodeCursor(cursor, nth) ?? 0, limit + 1)
    return { status: 200, body: toPage(rows, limit, toEvent, (row) => row.seq) }
  },
})

const logLine = z.object({
  id: positive,
  stint: positive,
  level: z.string(),
  message: z.string(),
  data: z.unknown(),
  createdAt: timestamp,
})
const toLogLine = viewOf(logLine)

const listLogs = route({
  method: 'GET',
  path: '/jobs/{jobId}/logs',
  summary: "A job's log lines, oldest first, or newest first with `order=desc`",
  description:
    'If lines are long, a page has fewer than `limit`. A cursor is only valid for the order it was given in.',
  actor: 'user',
  scope: 'jobs:read',
  params: jobId,
  query: z.object({ ...page, order: z.enum(['asc', 'desc']).default('asc') }),
  replies: { 200: pageOf(logLine) },
  errors: ['JOB_NOT_FOUND'],
  run: async ({ app, actor, params, query: { limit, cursor, order } }) => {
    const job = await requireJob(app, actor, params.jobId, 'viewer')
    const behind = decodeCursor(cursor, positive)
    const rows =
      order === 'asc'
        ? await jobLogs.list(app.sql, job.id, behind ?? 0, limit + 1)
        : await jobLogs.listNewest(app.sql, job.id, { before: behind, limit: limit + 1 })
    return { status: 200, body: toPage(rows, limit, toLogLine, (row) => row.id, jsonBytes) }
  },
})

const stintReply = z.object({
  stint: positive,
  attempt: positive,
  worker: z.string().nullable(),
  startedAt: timestamp,
  endedAt: timestamp.nullable(),
  runMs: positive.nullable(),
  outcome: z.string().nullable().meta({ description: 'Null while it runs.' }),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  stack: stackReply,
})
const toStint = viewOf(stintReply)

const listStints = route({
  method: 'GET',
  path: '/jobs/{jobId}/stints',
  summary: "A job's stints, oldest first, the running one last",
  actor: 'user',
  scope: 'jobs:read',
  params: jobId,
  query: z.object(page),
  replies: { 200: pageOf(stintReply) },
  errors: ['JOB_NOT_FOUND'],
  run: async ({ app, actor, params, query: { limit, cursor } }) => {
    const job = await requireJob(app, actor, params.jobId, 'viewer')
    const rows = await stints.list(app.sql, job.id, decodeCursor(cursor, nth) ?? 0, limit + 1)
    return { status: 200, body: toPage(rows, limit, toStint, (row) => row.stint) }
  },
})

const change = z
  .strictObject({
    name: fields.name.unwrap().nullable().optional().meta({ description: 'Null removes it.' }),
    priority: fields.priority.meta({ description: 'The highest goes first.' }),
    delaySeconds: fields.delaySeconds.meta({
      description: 'The job starts this much later, or after that; 0: as soon as possible.',
    }),
    runAt: fields.runAt,
    expiresInSeconds: fields.expiresInSeconds,
    expiresAt: fields.expiresAt.unwrap().nullable().optional().meta({
      description: 'The job is cancelled if it has not started by then; null: it never expires.',
    }),
    maxAttempts: fields.maxAttempts.meta({ description: 'At least the current attempt.' }),
    timeoutSeconds: fields.timeoutSeconds.meta({ description: 'Running time over all stints.' }),
    tags: fields.tags,
  })
  .superRefine(refuseContradictions)
  .meta({ id: 'JobChange', example: { delaySeconds: 0 } })

const update = route({
  method: 'PATCH',
  path: '/jobs/{jobId}',
  summary: 'Change a job that waits',
  description:
    'The job must be queued or blocked, or wait for its next try. `delaySeconds: 0` starts it as soon as possible. A time in ' +
    'the past means now; a job that is already due keeps its place. What a job is to do can not be changed: cancel it and ' +
    'submit another.',
  actor: 'user',
  scope: 'jobs:write',
  params: jobId,
  body: change,
  replies: { 200: jobReply },
  errors: ['JOB_NOT_FOUND', 'FORBIDDEN', 'JOB_RUNNING', 'JOB_ENDED'],
  run: async ({ app, actor, params, body }) => {
    return { status: 200, body: { job: toJob(await changeOne(app, actor, params.jobId, body)) } }
  },
})

const cancel = route({
  method: 'POST',
  path: '/jobs/{jobId}/cancel',
  summary: 'Cancel a job',
  description:
    'A waiting job is cancelled at once (200). A running one is told within 2 s and stops at its next safe point (202); if it ' +
    'ignores that for 30 s it is fenced off. Jobs that run after it do what their `onParentFailure` says: thousands at once, ' +
    'any others within seconds.',
  actor: 'user',
  scope: 'jobs:write',
  params: jobId,
  replies: { 200: jobReply, 202: jobReply },
  errors: ['JOB_NOT_FOUND', 'FORBIDDEN', 'JOB_ENDED'],
  run: async ({ app, actor, params }) => {
    const { state, row } = await cancelOne(app, actor, params.jobId)
    const job = toJob(row)
    return state === 'running' ? { status: 202, body: { job } } : { status: 200, body: { job } }
  },
})

const retry = route({
  method: 'POST',
  path: '/jobs/{jobId}/retry',
  summary: 'Retry a failed or cancelled job',
  description:
    'Attempts, crashes and running time are reset. The job continues from its checkpoint, and submits no job a second time, ' +
    'unless `fromStart`. It no longer expires. It takes its unique key again. It waits for parents that were retried and have ' +
    'not ended yet, but not for parents that have ended. Jobs after it that still wait, wait for it again; those that have ' +
    'ended stay as they are.',
  actor: 'user',
  scope: 'jobs:write',
  params: jobId,
  body: z
    .strictObject({
      fromStart: z
        .boolean()
        .default(false)
        .meta({ description: 'Starts without the checkpoint, and submits its jobs again.' }),
    })
    .meta({ id: 'Retry', example: {} }),
  replies: { 202: jobReply },
  errors: ['JOB_NOT_FOUND', 'FORBIDDEN', 'JOB_NOT_ENDED', 'JOB_SUCCEEDED', 'UNIQUE_KEY_TAKEN'],
  run: async ({ app, actor, params, body }) => {
    const { projectId } = await requireJob(app, actor, params.jobId, 'maintainer')
    const act = { action: 'job.retry', projectId, target: params.jobId, data: body } as const
    await retryJob(app, params.jobId, body, audit(actor, act))
    return { status: 202, body: { job: toJob(await requireJob(app, actor, params.jobId, 'maintainer')) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/jobs/{jobId}',
  summary: 'Delete an ended job, with its events, logs and the files that it made',
  actor: 'user',
  scope: 'jobs:write',
  params: jobId,
  replies: { 204: plain('Deleted') },
  errors: ['JOB_NOT_FOUND', 'FORBIDDEN', 'JOB_NOT_ENDED', 'JOB_UNPUBLISHED', 'JOB_IN_USE'],
  run: async ({ app, actor, params }) => {
    const { projectId, kind } = await requireJob(app, actor, params.jobId, 'maintainer')
    const act = { action: 'job.delete', projectId, target: params.jobId, data: { kind } } as const
    await removeJob(app, params.jobId, audit(actor, act))
    return { status: 204 }
  },
})

export const handler = resource([listKinds, list, get, listEvents, listLogs, listStints, update, cancel, retry, remove])
