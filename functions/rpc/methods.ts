import { tmpdir } from 'node:os'
import { z } from 'zod'
import type { App } from '../../lib/app.ts'
import { type Actor, requireScope } from '../../lib/auth/actor.ts'
import { invalidField, invalidFields, StintError } from '../../lib/core/errors.ts'
import { readableErrors } from '../../lib/core/readable-errors.ts'
import { parseExactly } from '../../lib/http/json-body.ts'
import { fieldErrors } from '../../lib/http/problem.ts'
import { id } from '../../lib/http/schemas.ts'
import { submitGathered } from '../../lib/jobs/gather.ts'
import { STATES } from '../../lib/jobs/states.ts'
import { explainWaiting } from '../../lib/jobs/waiting.ts'
import { readDepths } from '../../lib/queue/depths.ts'
import type { Struct, ValueOf } from '../../lib/rpc/idl.ts'
import { readMachine } from '../../lib/system/machine.ts'
import type { TraceContext } from '../../lib/tracing/trace-context.ts'
import { kinds } from '../jobs/index.ts'
import { requireJob } from '../use-cases/job-access.ts'
import { cancelOne } from '../use-cases/job-cancel.ts'
import { jobQuery, listJobs } from '../use-cases/job-list.ts'
import { idempotencyKey, idempotencyOf, prepareAll, submission } from '../use-cases/submission.ts'
import type { idl } from './idl.ts'
import { jobStateOf, toRpcJob, toRpcSummary, toRpcWaiting } from './job.ts'

type Methods = (typeof idl)['methods']

interface Asked {
  app: App
  actor: Actor
  trace: TraceContext | undefined
  /** Unchecked: fields that the IDL calls required may be missing. */
  given: Struct
}

/** The methods of the IDL. They do what the routes of the API do, by the same rules. */
export const methods: { [M in keyof Methods]: (asked: Asked) => Promise<ValueOf<typeof idl, Methods[M]['gives']>> } = {
  submitJob: async ({ app, actor, given, trace }) => {
    requireScope(actor, 'jobs:write')
    const { idempotencyKey: key, input, ...rest } = parse(givenSubmission, given).submission
    const wanted = parse(submission, { ...rest, input: parseInput(input) }, 'submission')
    const [prepared] = await prepareAll(app, actor, [wanted], () => 'submission', trace)
    if (!prepared) throw new StintError('INTERNAL')
    if (key) prepared.idempotency = idempotencyOf(key, 'submitJob', wanted)
    const { jobId } = await submitGathered(app, prepared)
    return toRpcJob(await requireJob(app, actor, jobId, 'viewer'))
  },

  getJob: async ({ app, actor, given }) => {
    const row = await requireJob(app, actor, jobIdOf(given), 'viewer')
    const waiting = await explainWaiting(app, kinds, row)
    return { ...toRpcJob(row), waitingBecause: waiting ? toRpcWaiting(waiting) : undefined }
  },

  listJobs: async ({ app, actor, given }) => {
    const { state, ...rest } = parse(givenQuery, given).query
    const query = {
      ...rest,
      ...(state !== undefined && { state: STATES.find((it) => jobStateOf(it) === state) ?? '' }),
    }
    const { items, nextCursor } = await listJobs(app, actor, parse(jobQuery, query, 'query'))
    return { items: items.map(toRpcSummary), ...(nextCursor !== null && { nextCursor }) }
  },

  cancelJob: async ({ app, actor, given }) => {
    requireScope(actor, 'jobs:write')
    return toRpcJob((await cancelOne(app, actor, jobIdOf(given))).row)
  },

  getSystem: async ({ app }) => {
    const [machine, depths] = await Promise.all([readMachine(app.host?.dataDir ?? tmpdir()), readDepths(app)])
    return {
      version: app.config.version,
      cpus: machine.cpus,
      cpuBusy: machine.cpuBusy,
      loadAverage: machine.loadAverage,
      memoryBytes: machine.memory.totalBytes,
      availableMemoryBytes: machine.memory.availableBytes,
      diskBytes: machine.disk.totalBytes,
      freeDiskBytes: machine.disk.freeBytes,
      uptimeSeconds: machine.uptimeSeconds,
      queues: depths.queues.map((it) => ({
        queue: it.name,
        paused: it.pausedAt !== null,
        queued: it.queued,
        delayed: it.delayed,
        running: it.running,
        countedSecondsAgo: depths.countedSecondsAgo,
      })),
    }
  },
}

const givenSubmission = z.object({
  submission: z.looseObject({ input: z.string(), idempotencyKey: idempotencyKey.optional() }),
})
const givenQuery = z.object({ query: z.looseObject({ state: z.int().optional() }) })

const parse = <S extends z.ZodType>(schema: S, value: unknown, path = ''): z.output<S> => {
  const parsed = schema.safeParse(value, readableErrors(value))
  if (parsed.success) return parsed.data
  throw invalidFields('', fieldErrors(parsed.error, path))
}

/** JSON in JSON, or in bytes: read as exactly as a body of the API. */
const parseInput = (text: string): unknown => {
  try {
    return parseExactly(text)
  } catch (error) {
    if (!(error instanceof StintError)) throw error
    throw invalidField('submission.input', `expected JSON text: ${error.errors?.[0]?.message ?? error.message}`)
  }
}

/** A malformed id gets the same answer as one that doesn't exist. */
const jobIdOf = ({ jobId }: Struct): string => {
  const parsed = id.safeParse(jobId)
  if (parsed.success) return parsed.data
  throw new StintError('JOB_NOT_FOUND')
}
