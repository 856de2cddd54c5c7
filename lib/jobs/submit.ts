import * as jobs from '../../db/queries/jobs.ts'
import type { App } from '../app.ts'
import { invalidField, StintError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import { fieldErrors } from '../http/problem.ts'
import { ringFor } from '../queue/ring.ts'
import type { JobKind } from './define.ts'
import { MAX_DATA_BYTES } from './json.ts'

/** What a caller says of a job. Times of the kind apply where it says nothing. */
export interface Submission {
  kind: string
  input: unknown
  name?: string | undefined
  priority?: number | undefined
  delaySeconds?: number | undefined
  /** RFC 3339. */
  runAt?: string | undefined
  maxAttempts?: number | undefined
  timeoutSeconds?: number | undefined
  tags?: string[] | undefined
}

/**
 * Holds a submission against its kind and makes the row of it. Nothing is stored yet.
 * @throws {StintError} UNKNOWN_KIND, or VALIDATION_FAILED that names each wrong field
 */
export const prepare = (
  kinds: readonly JobKind[],
  submission: Submission,
  owner: { projectId: string; createdBy: string | null },
): jobs.NewJob => {
  const kind = kinds.find((it) => it.kind === submission.kind)
  if (!kind) {
    const message = `expected one of ${kinds.map((it) => it.kind).join(', ')}`
    throw new StintError('UNKNOWN_KIND', `There is no kind ${JSON.stringify(submission.kind)}.`, {
      errors: [{ path: 'kind', message }],
    })
  }
  const parsed = kind.input.safeParse(submission.input)
  if (!parsed.success) {
    const errors = fieldErrors(parsed.error, 'input')
    throw new StintError(
      'VALIDATION_FAILED',
      `The input does not fit ${kind.kind}: ${errors[0]?.path}: ${errors[0]?.message}`,
      { errors },
    )
  }
  const input = JSON.stringify(parsed.data)
  if (Buffer.byteLength(input) > MAX_DATA_BYTES) throw invalidField('input', `may have ${MAX_DATA_BYTES} bytes of JSON`)
  return {
    id: newId(),
    ...owner,
    kind: kind.kind,
    queue: kind.queue,
    name: submission.name ?? null,
    priority: submission.priority ?? 0,
    tags: submission.tags ?? [],
    maxAttempts: submission.maxAttempts ?? kind.maxAttempts,
    timeoutSeconds: submission.timeoutSeconds ?? kind.timeoutSeconds,
    delaySeconds: submission.delaySeconds ?? 0,
    runAt: submission.runAt ?? null,
    input,
    waitsFor: 0,
    hasParents: false,
    hasChildren: false,
    onParentFailure: 'fail',
  }
}

/**
 * Stores prepared jobs and rings for them. When SQS is away the jobs are accepted all the same: the sweep rings later.
 * @returns when each was queued and is due, by id
 */
export const submit = async (
  app: App,
  prepared: jobs.NewJob[],
): Promise<Map<string, { queuedAt: Date; startAt: Date }>> => {
  const stored = await jobs.insert(app.sql, prepared)
  app.committed()
  const byId = new Map(stored.map((row) => [row.id, row]))
  await ringFor(
    app,
    prepared.flatMap((job) => {
      const row = byId.get(job.id)
      return row ? [{ queue: job.queue, delayMs: row.startAt.getTime() - row.queuedAt.getTime() }] : []
    }),
  )
  return byId
}
