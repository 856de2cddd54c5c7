import { z } from 'zod'
import type { Sql } from '../../db/client.ts'
import * as queueDepths from '../../db/queries/queue-depths.ts'
import { resource } from '../../lib/http/resource.ts'
import { route } from '../../lib/http/route.ts'
import { id, instant } from '../../lib/http/schemas.ts'
import { redriveJobs } from '../../lib/jobs/retry-jobs.ts'
import { QUEUES } from '../../lib/queue/doorbells.ts'
import { pauseQueue, resumeQueue } from '../../lib/queue/pause.ts'
import { defaultProject } from '../use-cases/access.ts'
import { requireAdmin, requireAdminOrRole } from '../use-cases/admin.ts'
import { audit } from '../use-cases/audit.ts'
import { cancelFound } from '../use-cases/job-cancel.ts'
import { queue, queueLoad, queueReply, viewQueue, viewQueues } from '../views/queue.ts'

const queueParams = z.object({ queue: z.enum(QUEUES) })

/** Jobs that one request may redrive. */
const MAX_REDRIVEN = 10_000
const MAX_LOADS = 100

const list = route({
  method: 'GET',
  path: '/queues',
  summary: 'The queues, and what waits and runs in them',
  description: 'Sums over all projects, for whoever is signed in: they say how long a job is likely to wait.',
  actor: 'user',
  scope: 'jobs:read',
  replies: { 200: z.object({ items: z.array(queue) }) },
  run: async ({ app }) => ({ status: 200, body: { items: await viewQueues(app) } }),
})

const listLoads = route({
  method: 'GET',
  path: '/queues/{queue}/load',
  summary: 'Whose jobs wait and run in a queue, by project and kind, the most first (admin)',
  description: 'A hundred of them at most. The jobs are counted at each request: a million take some seconds.',
  actor: 'user',
  params: queueParams,
  replies: { 200: z.object({ items: z.array(queueLoad) }) },
  errors: ['FORBIDDEN', 'RATE_LIMITED'],
  run: async ({ app, actor, params }) => {
    await requireAdmin(app, actor)
    const items = await app.scan(actor.userId, (sql) => queueDepths.listLoads(sql, params.queue, MAX_LOADS))
    return { status: 200, body: { items } }
  },
})

const pause = route({
  method: 'POST',
  path: '/queues/{queue}/pause',
  summary: 'Pause a queue (admin)',
  description: 'No job starts any more. Running jobs continue until they end or their stint does.',
  actor: 'user',
  params: queueParams,
  replies: { 200: queueReply },
  errors: ['FORBIDDEN'],
  run: async ({ app, actor, params }) => {
    await requireAdmin(app, actor)
    await pauseQueue(app, params.queue, audit(actor, { action: 'queue.pause', projectId: null, target: params.queue }))
    return { status: 200, body: { queue: await viewQueue(app, params.queue) } }
  },
})

const resume = route({
  method: 'POST',
  path: '/queues/{queue}/resume',
  summary: 'Resume a queue (admin)',
  actor: 'user',
  params: queueParams,
  replies: { 200: queueReply },
  errors: ['FORBIDDEN'],
  run: async ({ app, actor, params }) => {
    await requireAdmin(app, actor)
    await resumeQueue(
      app,
      params.queue,
      audit(actor, { action: 'queue.resume', projectId: null, target: params.queue }),
    )
    return { status: 200, body: { queue: await viewQueue(app, params.queue) } }
  },
})

const redriveOptions = z
  .strictObject({
    projectId: id.optional().meta({
      description:
        'Only jobs of this project. A maintainer of it need not be an admin. For an API key it is by default the key’s project.',
    }),
    kind: z.string().min(1).max(100).optional(),
    tag: z.string().min(1).max(64).optional(),
    code: z.string().min(1).max(100).optional().meta({ description: 'Only jobs that failed with this code.' }),
    failedAfter: instant.optional(),
    failedBefore: instant.optional(),
    limit: z.int().min(1).max(MAX_REDRIVEN).default(1_000),
    perSecond: z
      .number()
      .min(0.01)
      .max(MAX_REDRIVEN)
      .optional()
      .meta({ description: 'At most so many start per second.' }),
  })
  .meta({ id: 'Redrive', example: { code: 'TIMEOUT', perSecond: 10 } })

const redrive = route({
  method: 'POST',
  path: '/queues/{queue}/redrive',
  summary: "Retry a queue's failed jobs, the earliest failures first (admin, or maintainer of the project)",
  description:
    'They keep their checkpoints; attempts, crashes and running time are reset. Jobs that failed because a job before them ' +
    'did (`PARENT_FAILED`) are only retried if `code` asks for them; they wait for parents that were retried too. Where few of ' +
    'millions of failed jobs fit, say when they failed: the queue’s failed jobs of that time are looked at, one by one.',
  actor: 'user',
  scope: 'jobs:write',
  params: queueParams,
  body: redriveOptions,
  replies: {
    200: z.object({
      redriven: z.int().meta({ description: 'If this is less than `limit`, none is left.' }),
      skipped: z.int().meta({ description: 'Left alone, because another job has their unique key.' }),
    }),
  },
  errors: ['FORBIDDEN', 'PROJECT_NOT_FOUND', 'RATE_LIMITED'],
  run: async ({ app, actor, params, body: { limit, perSecond, ...filter } }) => {
    const projectId = filter.projectId ?? actor.apiKey?.projectId
    await requireAdminOrRole(app, actor, projectId, 'maintainer')
    const wanted = { ...filter, projectId, queue: params.queue }
    const act = { action: 'queue.redrive', projectId: projectId ?? null, target: params.queue } as const
    const alongside = (tx: Sql, redriven: number) => audit(actor, { ...act, data: { ...filter, redriven } })(tx)
    const options = { askedBy: actor.userId, limit, perSecond }
    return { status: 200, body: await redriveJobs(app, wanted, options, alongside) }
  },
})

const drain = route({
  method: 'POST',
  path: '/queues/{queue}/drain',
  summary: 'Cancel the waiting jobs that a project has in a queue (admin, or maintainer of the project)',
  description: 'Queued and delayed ones, the first 1 000 found: repeat as long as there are `more`. What runs goes on.',
  actor: 'user',
  scope: 'jobs:write',
  params: queueParams,
  body: z
    .strictObject({
      projectId: id.optional().meta({ description: 'By default your own `Personal`, or the API key’s project.' }),
      kind: z.string().min(1).max(100).optional(),
      tag: z.string().min(1).max(64).optional(),
    })
    .meta({ id: 'Drain', example: { kind: 'page.parse' } }),
  replies: { 200: z.object({ cancelled: z.int(), more: z.boolean() }) },
  errors: ['FORBIDDEN', 'PROJECT_NOT_FOUND', 'RATE_LIMITED'],
  run: async ({ app, actor, params, body }) => {
    const projectId = body.projectId ?? (await defaultProject(app, actor))
    await requireAdminOrRole(app, actor, projectId, 'maintainer')
    return { status: 200, body: await cancelFound(app, actor, { ...body, ...params, projectId, state: 'queued' }) }
  },
})

export const handler = resource([list, listLoads, pause, resume, redrive, drain])
