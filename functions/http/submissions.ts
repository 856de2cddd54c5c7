import { z } from 'zod'
import * as jobs from '../../db/queries/jobs.ts'
import type { App } from '../../lib/app.ts'
import { StintError } from '../../lib/core/errors.ts'
import { readWaitSeconds, waited } from '../../lib/http/prefer.ts'
import { resource } from '../../lib/http/resource.ts'
import { route } from '../../lib/http/route.ts'
import { id } from '../../lib/http/schemas.ts'
import { awaitEnd } from '../../lib/jobs/await-end.ts'
import { submitGathered } from '../../lib/jobs/gather.ts'
import type { Prepared } from '../../lib/jobs/prepare.ts'
import type { Submitted } from '../../lib/jobs/store.ts'
import { submit } from '../../lib/jobs/submit.ts'
import { batchItem, idempotencyOf, prepareAll, readIdempotencyKey, submission } from '../use-cases/submission.ts'
import { jobReply, justQueued, toJob } from '../views/job.ts'

const submitOne = route({
  method: 'POST',
  path: '/jobs',
  summary: 'Submit a job',
  description:
    'With an `Idempotency-Key` header, a repeat of the same request within 24 h returns the same job, with ' +
    '`Idempotency-Replayed: true`. If another job holds the unique key, that job is returned, with ' +
    '`Stint-Duplicate: true`. With `Prefer: wait=N` (RFC 7240, up to 20 s) the answer waits for the job to end: it is 200 ' +
    'if the job has ended by then, and 202 if not.',
  actor: 'user',
  scope: 'jobs:write',
  body: submission,
  takes: ['idempotency-key', 'prefer', 'traceparent'],
  replies: { 200: jobReply, 202: jobReply },
  gives: ['location', 'idempotency-replayed', 'stint-duplicate', 'preference-applied'],
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'UNKNOWN_KIND', 'IDEMPOTENCY_KEY_REUSED', 'JOB_NOT_FOUND'],
  run: async ({ app, actor, body, headers, trace }) => {
    const key = readIdempotencyKey(headers)
    const [prepared] = await prepareAll(app, actor, [body], () => '', trace)
    if (!prepared) throw new StintError('INTERNAL')
    if (key) prepared.idempotency = idempotencyOf(key, 'POST /jobs', body)
    const submitted = await submitGathered(app, prepared)
    const waitSeconds = readWaitSeconds(headers['prefer'])
    const answerHeaders = { location: `/jobs/${submitted.jobId}`, ...told(submitted), ...waited(waitSeconds) }
    // The job of an earlier request may have been deleted: that is said at once, and not waited for.
    if (waitSeconds && submitted.outcome !== 'made') await asItStands(app, submitted)
    const ended = waitSeconds ? await awaitEnd(app, submitted.jobId, waitSeconds) : null
    if (ended) return { status: 200, headers: answerHeaders, body: { job: toJob(ended) } }
    const job = waitSeconds ? await asItStands(app, submitted) : await shown(app, prepared, submitted)
    return { status: 202, headers: answerHeaders, body: { job } }
  },
})

const submitBatch = route({
  method: 'POST',
  path: '/jobs/batch',
  summary: 'Submit up to 10 000 jobs, all or none',
  description:
    'The answer has the ids in the order of the jobs. `after: ["$name"]` refers to another job of the batch by its name. ' +
    'An `Idempotency-Key` header is for the whole batch; without one, each job may have its own `idempotencyKey`.',
  actor: 'user',
  scope: 'jobs:write',
  body: z.strictObject({ jobs: z.array(batchItem).min(1).max(10_000) }).meta({ id: 'Batch' }),
  takes: ['idempotency-key', 'traceparent'],
  replies: { 202: z.object({ ids: z.array(id) }) },
  gives: ['idempotency-replayed'],
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'UNKNOWN_KIND', 'IDEMPOTENCY_KEY_REUSED'],
  run: async ({ app, actor, body, headers, trace }) => {
    const key = readIdempotencyKey(headers)
    const prepared = await prepareAll(app, actor, body.jobs, (index) => `jobs[${index}]`, trace)
    const whole = key && idempotencyOf(key, 'POST /jobs/batch', body)
    for (const [index, it] of prepared.entries()) {
      const item = body.jobs[index]
      // A key for the whole batch becomes a key for each of its jobs, so all are replayed or none. It has a space, which no
      // caller's own key may have.
      if (whole) it.idempotency = { key: `${whole.key} ${index}`, bodyHash: whole.bodyHash }
      else if (item?.idempotencyKey) it.idempotency = idempotencyOf(item.idempotencyKey, 'POST /jobs/batch', item)
    }
    const submitted = await submit(app, prepared)
    const ids = submitted.map((it) => it.jobId)
    if (!submitted.every((it) => it.outcome === 'replayed')) return { status: 202, body: { ids } }
    return { status: 202, headers: { 'idempotency-replayed': 'true' }, body: { ids } }
  },
})

const told = ({ outcome }: Submitted): Record<string, string> => {
  if (outcome === 'replayed') return { 'idempotency-replayed': 'true' }
  return outcome === 'duplicate' ? { 'stint-duplicate': 'true' } : {}
}

/** A new job is shown as it was written; another one, and one with parents, as it stands now. */
const shown = (app: App, { row }: Prepared, { jobId, queued }: Submitted) =>
  queued ? justQueued(row, queued) : asItStands(app, { jobId })

const asItStands = async (app: App, { jobId }: Pick<Submitted, 'jobId'>) => {
  const job = await jobs.find(app.sql, jobId)
  if (!job) throw new StintError('JOB_NOT_FOUND', 'The job of this key was deleted.')
  return toJob(job)
}

export const handler = resource([submitOne, submitBatch])
