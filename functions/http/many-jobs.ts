import { z } from 'zod'
import * as jobSearch from '../../db/queries/job-search.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { resource } from '../../lib/http/resource.ts'
import { route } from '../../lib/http/route.ts'
import { id } from '../../lib/http/schemas.ts'
import { cancelJobs } from '../../lib/jobs/cancel.ts'
import { retryJobs } from '../../lib/jobs/retry-jobs.ts'
import { toldOfJobs } from '../audit.ts'
import { chooseProject } from '../belonging.ts'
import { requireJobs } from '../job-access.ts'
import { jobQuery } from '../job-list.ts'

/** Jobs that one request may change. */
const MAX_JOBS = 1_000

const ids = z.array(id).min(1).max(MAX_JOBS)
const example = { ids: ['01a20610-c462-7693-9270-2c83469d56d3'] }

const cancellation = z
  .strictObject({
    ids: ids.optional(),
    state: z
      .enum(['blocked', 'queued', 'running'])
      .optional()
      .meta({ description: 'Instead of ids: all that are so.' }),
    kind: jobQuery.shape.kind.meta({ description: 'Of them those of this kind.' }),
    queue: jobQuery.shape.queue,
    tag: jobQuery.shape.tag,
    projectId: id.optional().meta({ description: 'Of this project; your own `Personal` if left out.' }),
  })
  .superRefine(({ ids, state, ...filter }, context) => {
    if ((ids === undefined) === (state === undefined))
      context.addIssue({
        code: 'custom',
        path: ['ids'],
        message: 'give ids, or else the state of those that it is about',
      })
    for (const [name, value] of Object.entries(filter))
      if (ids !== undefined && value !== undefined)
        context.addIssue({ code: 'custom', path: [name], message: 'goes with state, and not with ids' })
  })
  .meta({ id: 'CancelMany', example })

/** The jobs that somebody wants cancelled, 1 000 at most, each with its project, and whether there are more. */
const chosen = async (
  app: App,
  actor: Actor,
  { ids, state, projectId: named, ...filter }: z.output<typeof cancellation>,
) => {
  if (ids) return { projectOf: await requireJobs(app, actor, ids, 'maintainer'), more: false }
  const projectId = await chooseProject(app, actor, named, 'maintainer')
  const found = state ? await jobSearch.listLiveIds(app.sql, { ...filter, state, projectId }, MAX_JOBS + 1) : []
  return { projectOf: new Map(found.slice(0, MAX_JOBS).map((it) => [it, projectId])), more: found.length > MAX_JOBS }
}

export const cancelMany = route({
  method: 'POST',
  path: '/jobs/cancel',
  summary: 'Cancel many jobs',
  description:
    'As cancelling one. Those that have ended are left as they are. By `state` it is the first 1 000 that are found: as long ' +
    'as there are `more`, ask again. One that starts in that moment is told to stop.',
  actor: 'user',
  scope: 'jobs:write',
  body: cancellation,
  replies: {
    200: z.object({
      cancelled: z.int().meta({ description: 'How many were cancelled, or stop at their next safe point.' }),
      more: z.boolean().meta({ description: 'There were more that fit.' }),
    }),
  },
  errors: ['JOB_NOT_FOUND', 'PROJECT_NOT_FOUND', 'FORBIDDEN'],
  run: async ({ app, actor, body }) => {
    const { projectOf, more } = await chosen(app, actor, body)
    const jobs = await cancelJobs(app, [...projectOf.keys()], toldOfJobs(actor, 'job.cancel', projectOf))
    return { status: 200, body: { cancelled: jobs.filter((job) => job.changed).length, more } }
  },
})

export const retryMany = route({
  method: 'POST',
  path: '/jobs/retry',
  summary: 'Begin many failed or cancelled jobs anew',
  description:
    'As retrying one. Those that have not failed and were not cancelled are left as they are, and those whose unique ' +
    'key another job has.',
  actor: 'user',
  scope: 'jobs:write',
  body: z
    .strictObject({
      ids,
      fromStart: z
        .boolean()
        .default(false)
        .meta({ description: 'Forgets the checkpoints, and which jobs they submitted.' }),
    })
    .meta({ id: 'RetryMany', example }),
  replies: { 200: z.object({ retried: z.int().meta({ description: 'How many begin anew.' }) }) },
  errors: ['JOB_NOT_FOUND', 'FORBIDDEN'],
  run: async ({ app, actor, body }) => {
    const projectOf = await requireJobs(app, actor, body.ids, 'maintainer')
    const retried = await retryJobs(app, body.ids, body, toldOfJobs(actor, 'job.retry', projectOf))
    return { status: 200, body: { retried } }
  },
})

export const handler = resource([cancelMany, retryMany])
