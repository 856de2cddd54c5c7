import { createHash } from 'node:crypto'
import type { NewJob } from '../../db/queries/jobs.ts'
import { FieldErrors, invalidFields, StintError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import { readableErrors } from '../core/readable-errors.ts'
import { fieldErrors } from '../http/problem.ts'
import { type TraceContext, writeTraceparent } from '../tracing/trace-context.ts'
import type { JobKind } from './define.ts'
import { excessOf, MAX_DATA_BYTES, WRITTEN_OUT } from './json.ts'
import type { Submission } from './submission-fields.ts'

/** A submission that was held against its kind, ready to be stored. */
export interface Prepared {
  row: NewJob
  /** What stands before the names of its fields, when one is wrong: `jobs[3]`, or nothing. */
  path: string
  /** The ids of the jobs that it runs after. */
  after: string[]
  idempotency?: { key: string; bodyHash: string }
  unique?: { key: string; forSeconds: number; onDuplicate: 'return' | 'replace' }
}

/** A longer key stands in its index as its hash: an entry of PostgreSQL's takes 2 704 bytes. */
const MAX_KEY_BYTES = 1_000

const toIndexed = (key: string): string =>
  Buffer.byteLength(key) > MAX_KEY_BYTES ? createHash('sha256').update(key).digest('hex') : key

interface Owner {
  projectId: string
  createdBy: string | null
  /** The job that submits it. */
  submittedBy?: string | null
  trace?: TraceContext | undefined
}

/**
 * Holds a submission against its kind and makes the row of it. Nothing is stored yet.
 * @param path what to put before the names of wrong fields: `jobs[3]`
 * @throws {StintError} UNKNOWN_KIND, or VALIDATION_FAILED that names each wrong field
 */
export const prepare = (
  kinds: readonly JobKind[],
  submission: Submission,
  { trace, submittedBy = null, ...owner }: Owner,
  path = '',
): Prepared => {
  const at = (field: string): string => (path ? `${path}.${field}` : field)
  const kind = kinds.find((it) => it.kind === submission.kind)
  if (!kind) {
    const message = `expected one of ${kinds.map((it) => it.kind).join(', ')}`
    const errors = [{ path: at('kind'), message }]
    throw new StintError('UNKNOWN_KIND', `There is no kind ${JSON.stringify(submission.kind)}.`, { errors })
  }
  const parsed = kind.input.safeParse(submission.input, readableErrors(submission.input))
  if (!parsed.success) throw badInput(kind.kind, fieldErrors(parsed.error, at('input')))
  const input = JSON.stringify(parsed.data)
  const excess = excessOf(input, MAX_DATA_BYTES)
  if (excess) {
    const errors = new FieldErrors()
    errors.add([], `may have ${excess.most} ${excess.written ? WRITTEN_OUT : 'bytes of JSON'}`, at('input'))
    throw badInput(kind.kind, errors)
  }
  const { uniqueKey, uniqueForSeconds = 0, onDuplicate = 'return' } = submission
  return {
    path,
    after: [],
    ...(uniqueKey !== undefined && { unique: { key: uniqueKey, forSeconds: uniqueForSeconds, onDuplicate } }),
    row: {
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
      expiresInSeconds: submission.expiresInSeconds ?? null,
      expiresAt: submission.expiresAt ?? null,
      input,
      waitsFor: 0,
      hasParents: false,
      hasChildren: false,
      onParentFailure: submission.onParentFailure ?? 'fail',
      concurrencyKey: kind.limits ? toIndexed(kind.limits.concurrencyKey?.(parsed.data) ?? '') : null,
      uniqueKey: uniqueKey ?? null,
      traceparent: trace ? writeTraceparent(trace) : null,
      submittedBy,
    },
  }
}

const badInput = (kind: string, errors: FieldErrors): StintError =>
  invalidFields(`The input does not fit ${kind}: `, errors)
