import { isDeepStrictEqual } from 'node:util'
import { transaction } from '../../db/client.ts'
import type { App } from '../../lib/app.ts'
import { jobSecret } from '../../lib/auth/job-secret.ts'
import { newId } from '../../lib/core/ids.ts'
import { jobFiles } from '../../lib/files/job-files.ts'
import type { JobKind, SafePoint, SharedJobContext } from '../../lib/jobs/define.ts'
import { MAX_CHECKPOINT_BYTES, MAX_DATA_BYTES, toStoredJson } from '../../lib/jobs/json.ts'
import { isStray, toSafePoint } from '../../lib/jobs/safe-point.ts'
import { jobMail } from '../../lib/mail/job-mail.ts'

type Context = Pick<
  SharedJobContext<unknown, unknown>,
  'job' | 'parents' | 'fenced' | 'submit' | 'files' | 'web' | 'mail' | 'secret'
>

/** How a kind runs without the engine: one stint, in this process. */
export interface StintOptions {
  /** Validated as a submission's. */
  input: unknown
  /** Where the stint before stopped. */
  checkpoint?: unknown
  /** Stops at the n-th safe point, from 1; without it the kind runs to its end. */
  stopAt?: number
  /** What a kind of the isolation `shared` may use. */
  context?: Partial<Context>
}

export interface StintEnding {
  safePoints: SafePoint<unknown>[]
  /** Of the last safe point that had one, as the next stint gets it: through JSON, and as its schema says. */
  checkpoint: unknown
  /** Undefined when the stint was stopped. */
  result: unknown
}

/** Runs a kind's generator to its end, or to a safe point. What it gives must be such that it can be stored. */
export const runKind = async (kind: JobKind, options: StintOptions): Promise<StintEnding> => {
  const { stopAt = Number.POSITIVE_INFINITY, context } = options
  const safePoints: SafePoint<unknown>[] = []
  let checkpoint = options.checkpoint
  const points = kind.run({
    ...alone(),
    ...context,
    input: kind.input.parse(options.input),
    checkpoint,
    signal: new AbortController().signal,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  })
  for (;;) {
    const step = await points.next()
    if (step.done) {
      const result = kind.output.parse(step.value)
      toStoredJson(result, 'result', MAX_DATA_BYTES)
      return { safePoints, checkpoint, result }
    }
    safePoints.push(step.value)
    const point = toSafePoint(kind, step.value)
    if (isStray(point.progress ?? 0)) throw new RangeError(`${kind.kind} yields the progress ${point.progress}`)
    toStoredJson(point.partial, 'partial', MAX_DATA_BYTES)
    if (point.checkpoint !== undefined) {
      const stored = toStoredJson(point.checkpoint, 'checkpoint', MAX_CHECKPOINT_BYTES)
      checkpoint = kind.checkpoint?.parse(JSON.parse(stored))
    }
    if (safePoints.length < stopAt) continue
    await points.return(undefined)
    return { safePoints, checkpoint, result: undefined }
  }
}

/**
 * Runs a kind in as many stints as there are safe points: each one stops at its first.
 * @throws when a safe point leaves the checkpoint as it was: the next stint would come to the same one, and so for ever
 */
export const runInShortestStints = async (
  kind: JobKind,
  options: StintOptions,
): Promise<{ stints: number; result: unknown }> => {
  let { checkpoint } = options
  for (let stints = 1; ; stints++) {
    // A kind may go on writing in what it is given.
    const before = structuredClone(checkpoint)
    const ending = await runKind(kind, { ...options, checkpoint, stopAt: 1 })
    if (ending.result !== undefined) return { stints, result: ending.result }
    if (isDeepStrictEqual(ending.checkpoint, before))
      throw new Error(`${kind.kind} makes no way: after stint ${stints} its checkpoint is what it was before`)
    checkpoint = ending.checkpoint
  }
}

/** What a job of a project is given, with a fence that lets everything through. */
export const jobIn = (
  app: App,
  projectId: string,
  { jobId = newId(), stint = 1 }: { jobId?: string; stint?: number } = {},
): Context => {
  const fenced = <T>(work: Parameters<typeof transaction<T>>[1]): Promise<T> => transaction(app.sql, work)
  return {
    job: { id: jobId, projectId, attempt: 1, stint },
    parents: [],
    fenced,
    submit: refuse,
    files: jobFiles(app, { jobId, projectId, stint, fenced }),
    web: app.web,
    mail: jobMail(app, { jobId, projectId }),
    secret: (purpose) => jobSecret(app, jobId, purpose),
  }
}

const refuse = () => Promise.reject(new Error('this kind was to run without a database and files'))

const alone = (): Context => {
  return {
    job: { id: newId(), projectId: newId(), attempt: 1, stint: 1 },
    parents: [],
    fenced: refuse,
    submit: refuse,
    files: { read: refuse, open: refuse, write: refuse, remove: refuse },
    web: { get: refuse, crawlDelaySeconds: 0 },
    mail: { messageId: '', publicUrl: '', leavesThisMachine: false, allow: refuse, send: refuse },
    secret: () => '',
  }
}
