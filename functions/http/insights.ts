import { z } from 'zod'
import * as insights from '../../db/queries/insights.ts'
import { firstIdAt } from '../../lib/core/ids.ts'
import { resource } from '../../lib/http/resource.ts'
import { route } from '../../lib/http/route.ts'
import { id, timestamp } from '../../lib/http/schemas.ts'
import { STATES } from '../../lib/jobs/states.ts'
import { QUEUES } from '../../lib/queue/doorbells.ts'
import { projectsToList, requireJob } from '../use-cases/job-access.ts'
import { viewOf } from '../views/view-of.ts'

const BUCKETS = 60
/** Jobs that were queued longer than this before the shown span are not counted, even if they end in it. */
const LONGEST_MS = 86_400_000
const MAX_GROUPS = 100
const MAX_RELATIVES = 200

const projectId = id.optional().meta({ description: 'By default all your projects.' })
const count = z.int().min(0)
const ms = count.nullable().meta({ description: 'Null if there are no such jobs.' })

const activityReply = z
  .object({
    bucketSeconds: z.int(),
    buckets: z.array(
      z.object({
        at: timestamp,
        succeeded: count,
        failed: count,
        cancelled: count,
        waitMsP50: ms,
        waitMsP95: ms,
        runMsP50: ms,
        runMsP95: ms,
      }),
    ),
    areAll: z.boolean().meta({
      description: 'False: there may be more that succeeded, among jobs that are older than those that were looked at.',
    }),
    live: z
      .object({
        blocked: count,
        queued: count,
        running: count,
        countedUpTo: count.meta({ description: 'A count that has reached this may be higher.' }),
      })
      .meta({ description: 'Now.' }),
    ended: z
      .object({
        succeeded: count,
        failed: count,
        cancelled: count,
        atLeast: z
          .array(z.enum(['succeeded', 'failed', 'cancelled']))
          .meta({ description: 'For these states, the counts are lower bounds.' }),
      })
      .meta({ description: 'Of all jobs that are kept, whenever they ended.' }),
  })
  .meta({ id: 'Activity' })

const getActivity = route({
  method: 'GET',
  path: '/activity',
  summary: 'How many jobs ended, and how long they waited and ran, in sixty intervals until now',
  description:
    'The intervals count what succeeded among the newest 10 000 jobs of each project, and up to 10 000 failed and as many ' +
    'cancelled ones; fewer if there are more than ten projects. The current totals of a state are counted up to 10 000; ' +
    'those that succeeded, among the oldest 20 000 jobs of a project.',
  actor: 'user',
  scope: 'jobs:read',
  query: z.object({ projectId, minutes: z.coerce.number().int().min(5).max(10_080).default(60) }),
  replies: { 200: activityReply },
  errors: ['PROJECT_NOT_FOUND', 'RATE_LIMITED'],
  run: async ({ app, actor, query }) => {
    const projectIds = await projectsToList(app, actor, query.projectId)
    const idFrom = firstIdAt(app.clock.now() - query.minutes * 60_000 - LONGEST_MS)
    const [{ buckets, areAll }, live, ended] = await app.scan(actor.userId, (sql) =>
      Promise.all([
        insights.listActivity(sql, projectIds, { idFrom, bucketSeconds: query.minutes, count: BUCKETS }),
        insights.countLive(sql, projectIds, QUEUES),
        insights.countEnded(sql, projectIds),
      ]),
    )
    const shown = buckets.map((it) => ({ ...it, at: it.at.toISOString() }))
    return { status: 200, body: { bucketSeconds: query.minutes, buckets: shown, areAll, live, ended } }
  },
})

const failureGroup = z
  .object({
    fingerprint: z.string(),
    kind: z.string(),
    code: z.string(),
    message: z.string().meta({ description: 'Without numbers, ids and quoted names.' }),
    latestMessage: z.string().meta({ description: 'The message of the latest job.' }),
    messagesDiffer: z.boolean().meta({ description: 'Whether the messages of the group differ.' }),
    count,
    firstAt: timestamp,
    lastAt: timestamp,
    jobIds: z.array(id).meta({ description: 'The latest hundred.' }),
  })
  .meta({ id: 'FailureGroup' })
const toFailureGroup = viewOf(failureGroup)

const listFailures = route({
  method: 'GET',
  path: '/failures',
  summary: 'Failed jobs, grouped by cause, latest first',
  description:
    'Alike are jobs of one kind and code whose messages differ in numbers, ids and quoted names only. Of each project the ' +
    'latest 5 000 failures count, or fewer where there are more than four projects.',
  actor: 'user',
  scope: 'jobs:read',
  query: z.object({ projectId, days: z.coerce.number().int().min(1).max(365).default(7) }),
  replies: { 200: z.object({ items: z.array(failureGroup) }) },
  errors: ['PROJECT_NOT_FOUND', 'RATE_LIMITED'],
  run: async ({ app, actor, query }) => {
    const projectIds = await projectsToList(app, actor, query.projectId)
    const since = new Date(app.clock.now() - query.days * 86_400_000)
    const groups = await app.scan(actor.userId, (sql) =>
      insights.listFailures(sql, projectIds, { since, limit: MAX_GROUPS }),
    )
    return { status: 200, body: { items: groups.map(toFailureGroup) } }
  },
})

const relative = z
  .object({
    id,
    kind: z.string(),
    name: z.string().nullable(),
    state: z.enum(STATES),
    progress: z.number(),
    after: z.array(id).meta({ description: 'The jobs of this list that it runs after.' }),
  })
  .meta({ id: 'Relative' })

const listRelatives = route({
  method: 'GET',
  path: '/jobs/{jobId}/relatives',
  summary: 'A job with those that it runs after and those that run after it, the nearest first',
  description: 'Five steps in both directions, and two hundred jobs at most.',
  actor: 'user',
  scope: 'jobs:read',
  params: z.object({ jobId: id }),
  replies: { 200: z.object({ items: z.array(relative) }) },
  errors: ['JOB_NOT_FOUND', 'RATE_LIMITED'],
  run: async ({ app, actor, params }) => {
    const job = await requireJob(app, actor, params.jobId, 'viewer')
    const items = await app.scan(actor.userId, (sql) => insights.listRelatives(sql, job.id, MAX_RELATIVES))
    return { status: 200, body: { items } }
  },
})

export const handler = resource([getActivity, listFailures, listRelatives])
