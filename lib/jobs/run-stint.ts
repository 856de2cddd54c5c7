import type { Outcome } from '../../db/queries/outcomes.ts'
import type { App } from '../app.ts'
import type { Finisher } from './finisher.ts'
import type { Keeper } from './keeper.ts'
import { type Engine, runJob } from './run-job.ts'
import type { Stint } from './stint.ts'
import { deserializeError, isAbortOf, serializeError, toError } from './thrown.ts'
import { type Owner, ownUnawaited, unawaitedError } from './unawaited.ts'

/**
 * Runs one job and hands in its outcome. Never throws: what the job throws is its outcome. So is a rejection that nobody awaits:
 * the attempt ends at once, although the job still runs.
 */
export const runStint = async (engine: Engine, keeper: Keeper, finisher: Finisher, stint: Stint): Promise<void> => {
  const { app } = engine
  const first = Promise.withResolvers<Outcome | undefined>()
  let failure: Outcome | undefined
  const logUnawaited = unawaitedLog(app, stint)
  const owner: Owner = {
    tell: (reason) => {
      // What it had begun when it was told to stop, and left behind.
      if (isAbortOf(stint.abort.signal, toError(reason))) return
      const error = logUnawaited(reason)
      failure ??= stint.threw(error, app.random())
      first.resolve(failure)
    },
  }
  const ran = ownUnawaited(owner, () => runJob(engine, keeper, stint))
    .catch((thrown) => unforeseen(app, stint, thrown))
    .then((outcome) => {
      owner.tell = logUnawaited
      first.resolve(outcome)
    })
  const outcome = await first.promise
  await handIn(engine, keeper, finisher, stint, outcome)
  if (outcome === undefined || outcome !== failure) return
  // It doesn't know that its attempt is over, and has as long to notice as one that was fenced off.
  stint.handedIn = true
  stint.outcome = undefined
  stint.fence()
  await ran
}

const handIn = async (
  { app }: Engine,
  keeper: Keeper,
  finisher: Finisher,
  stint: Stint,
  outcome: Outcome | undefined,
): Promise<void> => {
  if (stint.handedIn) return
  if (!outcome || stint.fenced) return app.metrics.count('stint_stints_fenced_total', {})
  stint.outcome = outcome
  await keeper.flushLogs().catch((error) => app.log.warn({ err: error }, 'log lines were lost'))
  if (!stint.handedIn && !stint.fenced) finisher.add(outcome)
}

/** Of a job that has ended nothing is kept with it but what says which that was. */
const unawaitedLog = (
  { log }: App,
  { job: { id: job, stint }, kind: { kind } }: Stint,
): ((reason: unknown) => Error) => {
  return (reason) => {
    const err = unawaitedError(reason)
    log.warn({ err, job, stint, kind }, 'a promise of a job was rejected that nobody awaited')
    return err
  }
}

/** Whatever a job comes to, it must not take its neighbours along. */
const unforeseen = (app: App, stint: Stint, thrown: unknown): Outcome => {
  const error = deserializeError(serializeError(thrown))
  app.log.error({ err: error, job: stint.job.id, stint: stint.job.stint }, 'a job could not be ended')
  return stint.threw(error, app.random())
}
