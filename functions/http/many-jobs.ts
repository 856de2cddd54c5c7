import { z } from 'zod'
import { resource } from '../../lib/http/resource.ts'
import { route } from '../../lib/http/route.ts'
import { id } from '../../lib/http/schemas.ts'
import { cancelJobs } from '../../lib/jobs/cancel.ts'
import { retryJobs } from '../../lib/jobs/retry-jobs.ts'
import { toldOfJobs } from '../audit.ts'
import { requireJobs } from '../job-access.ts'

/** Jobs that one request may change. */
const MAX_JOBS = 1_000

const ids = z.array(id).min(1).max(MAX_JOBS)
const example = { ids: ['01a20610-c462-7693-9270-2c83469d56d3'] }

export const cancelMany = route({
  method: 'POST',
  path: '/jobs/cancel',
  summary: 'Cancel many jobs',
  description: 'As cancelling one. Those that have ended are left as they are.',
  actor: 'user',
  scope: 'jobs:write',
  body: z.strictObject({ ids }).meta({ id: 'CancelMany', example }),
  replies: {
    200: z.object({
      cancelled: z.int().meta({ description: 'How many were cancelled, or stop at their next safe point.' }),
    }),
  },
  errors: ['JOB_NOT_FOUND', 'FORBIDDEN'],
  run: async ({ app, actor, body }) => {
    const projectOf = await requireJobs(app, actor, body.ids, 'maintainer')
    const jobs = await cancelJobs(app, body.ids, toldOfJobs(actor, 'job.cancel', projectOf))
    return { status: 200, body: { cancelled: jobs.filter((job) => job.changed).length } }
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
