import { setTimeout as sleep } from 'node:timers/promises'
import { type App, appOfProcess } from '../app.ts'
import type { InvocationContext } from '../invocation-context.ts'
import { releaseLeases } from './runner.ts'

export interface Periodic {
  /** What its failures are logged under. */
  name: string
  /** Seconds between two passes. */
  everySeconds: number
  /**
   * One pass. If it throws, that is logged, and the next pass comes as planned. `remainingMs` is the function's remaining
   * time, for passes that may take long; on a timer there is no limit.
   */
  run: (app: App, remainingMs?: () => number) => Promise<void>
}

export type PeriodicHandler = ((event: unknown, context: InvocationContext) => Promise<void>) & { periodic: Periodic }

/** Kept back from the function's time so that a pass can end. */
const MARGIN_MS = 5_000

/**
 * Wraps a scheduled function. EventBridge starts it once a minute at most, so the function makes pass after pass as long as
 * another one fits into its time. The local host runs `handler.periodic` by a timer instead.
 * @throws what its last pass threw, since CloudWatch's alarms only see functions that fail, and not what they log
 */
export const every = (periodic: Periodic): PeriodicHandler => {
  const handler = async (_event: unknown, context: InvocationContext): Promise<void> => {
    const app = context.app ?? (await appOfProcess())
    const remainingMs = () => context.getRemainingTimeInMillis()
    const pauseMs = periodic.everySeconds * 1_000
    let failure: Failure | undefined
    for (;;) {
      failure = await failureOf(app, periodic, remainingMs)
      if (remainingMs() - pauseMs <= MARGIN_MS) break
      await sleep(pauseMs)
    }
    // The next invocation may be in another process, and begin a moment before this one ends.
    await releaseLeases(app)
    // Lambda freezes the process after it; where the app was given, the process goes on.
    if (!context.app) await Promise.all([app.metrics.flush(), app.traces.flush()])
    if (failure) throw failure.error
  }
  return Object.assign(handler, { periodic })
}

/** One pass whose failure is logged. */
export const pass = async (app: App, periodic: Periodic): Promise<void> => void (await failureOf(app, periodic))

interface Failure {
  error: unknown
}

/** Passes that failed the last time. An outage is logged when it begins, changes and ends, and once a minute in between. */
const failing = new WeakMap<Periodic, { message: string; passes: number }>()
const TOLD_EACH_SECONDS = 60

const failureOf = async (app: App, periodic: Periodic, remainingMs?: () => number): Promise<Failure | undefined> => {
  const { name, everySeconds } = periodic
  const before = failing.get(periodic)
  try {
    await periodic.run(app, remainingMs)
    if (before) app.log.info({ pass: name, failed: before.passes }, 'periodic passes succeed again')
    failing.delete(periodic)
    return undefined
  } catch (error) {
    const message = String(error)
    const passes = (before?.passes ?? 0) + 1
    if (message !== before?.message || passes % Math.ceil(TOLD_EACH_SECONDS / everySeconds) === 0)
      app.log.error({ err: error, pass: name, failed: passes }, 'a periodic pass failed')
    failing.set(periodic, { message, passes })
    return { error }
  }
}

/** Does one step after the other, even if one fails. @throws what a step threw; {AggregateError} if several did */
export const each = async (steps: (() => Promise<unknown>)[]): Promise<void> => {
  const failures: unknown[] = []
  for (const step of steps) await step().catch((error: unknown) => failures.push(error))
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} of ${steps.length} steps failed`)
}
