import { z } from 'zod'
import type { NewJob } from '../../db/queries/jobs.ts'
import { resource } from '../../lib/http/resource.ts'
import { route } from '../../lib/http/route.ts'
import { id, label, timestamp } from '../../lib/http/schemas.ts'
import { prepare, submit } from '../../lib/jobs/submit.ts'
import { defaultProject, requireRole } from '../access.ts'
import { kinds } from '../jobs/index.ts'
import { jobReply } from '../views/job.ts'

const submission = z
  .strictObject({
    kind: z.string().max(100).meta({ description: 'One of GET /job-kinds.' }),
    input: z.unknown().meta({ description: 'What the kind declares as its input.' }),
    projectId: id.optional().meta({ description: 'Your project `Personal` if left out.' }),
    name: label(200).optional(),
    priority: z.int().min(-10).max(10).optional(),
    delaySeconds: z.int().min(0).max(31_536_000).optional(),
    runAt: timestamp.optional().meta({ description: 'Not before then; instead of delaySeconds.' }),
    maxAttempts: z.int().min(1).max(100).optional(),
    timeoutSeconds: z.int().min(1).max(2_592_000).optional(),
    tags: z
      .array(z.string().regex(/^[\w.:/-]{1,64}$/, 'expected 1–64 of letters, digits and _ . : / -'))
      .max(20)
      .optional(),
  })
  .refine((it) => it.delaySeconds === undefined || it.runAt === undefined, {
    path: ['runAt'],
    message: 'give delaySeconds or runAt, not both',
  })
  .meta({ id: 'Submission', example: { kind: 'math.pi', input: { digits: 1_000 } } })

export const submitOne = route({
  method: 'POST',
  path: '/jobs',
  summary: 'Submit a job',
  actor: 'user',
  body: submission,
  replies: { 202: jobReply },
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'UNKNOWN_KIND'],
  run: async ({ app, actor, body }) => {
    const projectId = body.projectId ?? (await defaultProject(app, actor))
    await requireRole(app, actor, projectId, 'maintainer')
    const prepared = prepare(kinds, body, { projectId, createdBy: actor.userId })
    const times = (await submit(app, [prepared])).get(prepared.id)
    return { status: 202, headers: { location: `/jobs/${prepared.id}` }, body: { job: justQueued(prepared, times) } }
  },
})

/** The job as it stands right after its insertion, without reading it back. */
const justQueued = (
  row: NewJob,
  times: { queuedAt: Date; startAt: Date } | undefined,
): z.input<typeof jobReply>['job'] => {
  const queuedAt = (times?.queuedAt ?? new Date()).toISOString()
  return {
    id: row.id,
    projectId: row.projectId,
    kind: row.kind,
    queue: row.queue,
    name: row.name,
    state: 'queued',
    priority: row.priority,
    tags: row.tags,
    progress: 0,
    attempt: 1,
    maxAttempts: row.maxAttempts,
    stint: 0,
    crashes: 0,
    timeoutSeconds: row.timeoutSeconds,
    runMs: 0,
    queuedAt,
    startAt: times?.startAt.toISOString() ?? queuedAt,
    startedAt: null,
    finishedAt: null,
    cancelRequestedAt: null,
    error: null,
    input: JSON.parse(row.input),
    partial: null,
    result: null,
  }
}

export const handler = resource([submitOne])
