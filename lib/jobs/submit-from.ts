import { z } from 'zod'
import { isRefusal } from '../../db/client.ts'
import type { App } from '../app.ts'
import { invalidField, invalidFields, StintError } from '../core/errors.ts'
import { readableErrors } from '../core/readable-errors.ts'
import { parseExactly } from '../http/json-body.ts'
import { fieldErrors } from '../http/problem.ts'
import {
  FencedError,
  type JobKind,
  type JobLog,
  type JobToSubmit,
  PermanentError,
  type SharedJobContext,
} from './define.ts'
import { Gatherer } from './gather.ts'
import { type Prepared, prepare } from './prepare.ts'
import type { Stint } from './stint.ts'
import { after, fields, refuseContradictions } from './submission-fields.ts'
import { submit } from './submit.ts'
import { toError } from './thrown.ts'

/** As many as a batch takes: one transaction stores no more. */
const MAX_GROUP = 10_000

const { projectId: _, ...ofJob } = fields
const submission = z.strictObject({ ...ofJob, after }).superRefine(refuseContradictions)

const KEY = /^[^\0\p{Cs}]{1,200}$/u

/**
 * The `submit` of a stint's context.
 * @param kinds those that it may submit
 */
export const submitFrom = (
  app: App,
  kinds: readonly JobKind[],
  stint: Stint,
  log: JobLog,
): SharedJobContext<unknown, unknown>['submit'] => {
  const { id, stint: number, projectId } = stint.job

  const gatherer = new Gatherer({
    most: MAX_GROUP,
    underWay: 1,
    // What one of them can't be to blame for: the fence, the connection, the disk.
    concernsAll: (error) => !(error instanceof StintError || isRefusal(error)),
    store: async (prepared) => {
      if (stint.fenced) throw new FencedError(`stint ${number} no longer holds the job`)
      return submit(app, prepared, { id, stint: number })
    },
  })

  const submitOne = async (key: string, job: JobToSubmit): Promise<string> => {
    try {
      const { jobId } = await gatherer.add(prepareFor(key, job))
      return jobId
    } catch (error) {
      if (error instanceof FencedError) stint.fence()
      throw named(key, error)
    }
  }

  const prepareFor = (key: string, job: JobToSubmit): Prepared => {
    if (!KEY.test(key)) throw invalidField('key', 'expected 1–200 characters, without NUL and halves of one')
    const posted = asPosted(job)
    const parsed = submission.safeParse(posted, readableErrors(posted))
    if (!parsed.success) throw invalidFields('', fieldErrors(parsed.error))
    const prepared = prepare(kinds, parsed.data, { projectId, createdBy: null, submittedBy: id })
    // The first one of a key counts, whatever it says.
    return { ...prepared, after: [...new Set(parsed.data.after)], idempotency: { key, bodyHash: '' } }
  }

  return (key, job) => {
    const submitted = submitOne(key, job)
    // If nobody awaits it, its rejection would end the attempt.
    submitted.catch((error) => {
      if (!stint.fenced) log.warn(`not submitted: ${toError(error).message}`)
    })
    return submitted
  }
}

/** What would come of it over HTTP: dates as text, and nothing that can't be stored. @throws {StintError} VALIDATION_FAILED */
const asPosted = (job: JobToSubmit): unknown => {
  let text: string
  try {
    text = JSON.stringify(job)
  } catch (cause) {
    throw new StintError('VALIDATION_FAILED', `it is not JSON: ${toError(cause).message}`, { cause })
  }
  return parseExactly(text)
}

/** What a retry can't help fails the job, and says which submission it was. */
const named = (key: string, error: unknown): unknown => {
  const which = `submit(${JSON.stringify(key)})`
  if (error instanceof StintError) {
    const [field] = error.errors ?? []
    const more = field && !error.message.includes(`${field.path}: `) ? ` ${field.path}: ${field.message}` : ''
    return new PermanentError(error.code, `${which}: ${error.message}${more}`, { cause: error })
  }
  if (!isRefusal(error)) return error
  return new PermanentError('VALIDATION_FAILED', `${which}: PostgreSQL refuses it`, { cause: error })
}
