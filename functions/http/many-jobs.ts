import { z } from 'zod'
import { resource } from '../../lib/http/resource.ts'
import { route } from '../../lib/http/route.ts'
import { id } from '../../lib/http/schemas.ts'
import { retryJobs } from '../../lib/jobs/retry-jobs.ts'
import { chooseProject } from '../use-cases/access.ts'
import { auditJobs } from '../use-cases/audit.ts'
import { requireJobs } from '../use-cases/job-access.ts'
import { cancelEach, cancelFound, cancelTree, MAX_CHANGED } from '../use-cases/job-cancel.ts'
import { jobQuery } from '../use-cases/job-list.ts'

/** Jobs that one request may name. */
const ids = z.array(id).min(1).max(MAX_CHANGED)
const example = { ids: ['01a20610-c462-7693-9270-2c83469d56d3'] }

const cancellation = z
  .strictObject({
    ids: ids.optional(),
    state: z
      .enum(['blocked', 'queued', 'running'])
      .optional()
      .meta({ description: 'Instead of ids: all jobs in this state.' }),
    tree: id.optional().meta({
      description: 'Instead of ids: this job, those that it submitted, those that these submitted, and so on.',
    }),
    kind: jobQuery.shape.kind.meta({ description: 'With `state`: only jobs of this kind.' }),
    queue: jobQuery.shape.queue,
    tag: jobQuery.shape.tag,
    submittedBy: jobQuery.shape.submittedBy,
    projectId: id.optional().meta({ description: 'With `state`: the project, by default your own `Personal`.' }),
  })
  .superRefine(({ ids, state, tree, ...filter }, context) => {
    const [first, ...others] = Object.entries({ ids, state, tree }).flatMap(([name, it]) =>
      it === undefined ? [] : [name],
    )
    if (first === undefined)
      context.addIssue({ code: 'custom', path: ['ids'], message: 'give either ids, a state or a tree' })
    for (const name of others) context.addIssue({ code: 'custom', path: [name], message: `does not go with ${first}` })
    for (const [name, value] of Object.entries(filter))
      if (first !== undefined && state === undefined && value !== undefined)
        context.addIssue({ code: 'custom', path: [name], message: 'goes with state only' })
  })
  .meta({ id: 'CancelMany', example })

const cancelMany = route({
  method: 'POST',
  path: '/jobs/cancel',
  summary: 'Cancel many jobs',
  description:
    'Like cancelling one job. Ended jobs are left as they are. With `state` or `tree`, the first 1 000 jobs found are ' +
    'cancelled: repeat as long as there are `more`. A job that starts in that moment is told to stop. What a running job of a ' +
    '`tree` submits before it stops is not cancelled: ask again when it has stopped. A million jobs of a tree are looked at.',
  actor: 'user',
  scope: 'jobs:write',
  body: cancellation,
  replies: {
    200: z.object({
      cancelled: z.int().meta({ description: 'How many were cancelled, or will stop at their next safe point.' }),
      more: z.boolean().meta({ description: 'There are more such jobs.' }),
    }),
  },
  errors: ['JOB_NOT_FOUND', 'PROJECT_NOT_FOUND', 'FORBIDDEN', 'RATE_LIMITED'],
  run: async ({ app, actor, body }) => {
    const { ids, state, tree, projectId: named, ...filter } = body
    if (ids) {
      const projectOf = await requireJobs(app, actor, ids, 'maintainer')
      return { status: 200, body: { cancelled: await cancelEach(app, actor, projectOf), more: false } }
    }
    if (tree) return { status: 200, body: await cancelTree(app, actor, tree) }
    const projectId = await chooseProject(app, actor, named, 'maintainer')
    if (!state) return { status: 200, body: { cancelled: 0, more: false } }
    return { status: 200, body: await cancelFound(app, actor, { ...filter, state, projectId }) }
  },
})

const retryMany = route({
  method: 'POST',
  path: '/jobs/retry',
  summary: 'Retry many failed or cancelled jobs',
  description:
    'Like retrying one job. Jobs that neither failed nor were cancelled are left as they are, and so are jobs whose unique key ' +
    'another job has.',
  actor: 'user',
  scope: 'jobs:write',
  body: z
    .strictObject({
      ids,
      fromStart: z
        .boolean()
        .default(false)
        .meta({ description: 'Start without the checkpoints, and submit their jobs again.' }),
    })
    .meta({ id: 'RetryMany', example }),
  replies: { 200: z.object({ retried: z.int().meta({ description: 'How many were retried.' }) }) },
  errors: ['JOB_NOT_FOUND', 'FORBIDDEN'],
  run: async ({ app, actor, body }) => {
    const projectOf = await requireJobs(app, actor, body.ids, 'maintainer')
    const retried = await retryJobs(app, body.ids, body, auditJobs(actor, 'job.retry', projectOf))
    return { status: 200, body: { retried } }
  },
})

export const handler = resource([cancelMany, retryMany])
