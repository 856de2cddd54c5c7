import { isUnavailable } from '../../db/client.ts'
import type { Outcome } from '../../db/queries/outcomes.ts'
import type { App } from '../app.ts'
import { asDeclared } from './as-declared.ts'
import { sharedContext } from './context.ts'
import { type JobKind, PermanentError } from './define.ts'
import type { Keeper } from './keeper.ts'
import { handParents } from './parents.ts'
import { runShared } from './run-shared.ts'
import type { Threads } from './run-thread.ts'
import type { Stint } from './stint.ts'
import { submitFrom } from './submit-from.ts'
import { deserializeError, serializeError, toError } from './thrown.ts'

/** What a process runs jobs with. */
export interface Engine {
  app: App
  kinds: readonly JobKind[]
  /** Those that a job may submit; all of them, where it isn't said. */
  submittable?: readonly JobKind[]
  threads: Threads
}

/**
 * Runs one job from its checkpoint until it returns, throws or must stop. What it throws is its outcome.
 * @returns undefined when the stint was fenced off
 */
export const runJob = async (
  { app, kinds, submittable = kinds, threads }: Engine,
  keeper: Keeper,
  stint: Stint,
): Promise<Outcome | undefined> => {
  let giveBack = (): void => {}
  try {
    const input = asDeclared('input', stint.kind.input, stint.job.input)
    const checkpoint = parseCheckpoint(app, stint)
    const log = keeper.logFor(stint)
    stint.warn = log.warn
    const handed = stint.job.hasParents ? await handParents(app, stint, log) : undefined
    if (handed) giveBack = handed.giveBack
    if (stint.fenced) return undefined
    if (handed && stint.stopRequested) return stint.yielded()
    const parents = handed?.parents ?? []
    const given = { log, input, checkpoint, parents, submit: submitFrom(app, submittable, stint, log) }
    if (stint.kind.isolation === 'thread') return await threads.run(stint, given, keeper.saveNow)
    stint.begin(0)
    return await runShared(stint, sharedContext(app, stint, given), keeper.saveNow)
  } catch (thrown) {
    if (stint.fenced) return undefined
    const error = toError(thrown)
    if (!(error instanceof PermanentError)) logThrown(app, stint, error)
    // Its parents could not be read: nothing of it was tried.
    if (!stint.hasBegun && isUnavailable(error)) return stint.yielded()
    return stint.threw(error, app.random())
  } finally {
    giveBack()
  }
}

/** Logs an error with all its properties, or only its parts if those can't be read or it is frozen. */
const logThrown = (app: App, { job: { id: job, stint } }: Stint, error: Error): void => {
  try {
    app.log.info({ err: error, job, stint }, 'a job threw')
  } catch {
    app.log.info({ err: deserializeError(serializeError(error)), job, stint }, 'a job threw')
  }
}

/** The checkpoint to continue from. If the kind can't migrate or understand it, it is dropped, and the job starts anew. */
const parseCheckpoint = (app: App, { kind, job }: Stint): unknown => {
  if (job.checkpoint === null || !kind.checkpoint) return undefined
  const current = job.checkpointVersion === kind.checkpointVersion
  const checkpoint = current ? job.checkpoint : kind.migrateCheckpoint?.(job.checkpoint, job.checkpointVersion ?? 1)
  if (checkpoint !== undefined) {
    const parsed = kind.checkpoint.safeParse(checkpoint)
    if (parsed.success) return parsed.data
  }
  app.log.warn(
    { job: job.id, kind: kind.kind, version: job.checkpointVersion },
    'a checkpoint does not fit its kind; the job starts anew',
  )
  return undefined
}
