import { setTimeout as sleep } from 'node:timers/promises'
import { type App, appOfProcess } from '../app.ts'
import type { InvocationContext } from '../invocation-context.ts'
import { letGo } from './runner.ts'

export interface Periodic {
  /** What its failures are logged under. */
  name: string
  /** Seconds between two passes. */
  everySeconds: number
  /**
   * One pass. What it throws is logged, and the next pass comes as planned. `remainingMs` is the function's time that
   * is left, for passes that may take long; on a timer there is no end.
   */
  run: (app: App, remainingMs?: () => number) => Promise<void>
}

export type PeriodicHandler = ((event: unknown, context: InvocationContext) => Promise<void>) & { periodic: Periodic }

/** Kept back from the function's time so that a pass can end. */
const MARGIN_MS = 5_000

/**
 * Wraps a scheduled function. EventBridge starts one each minute at best, so the function makes pass after pass as long
 * as another one fits into its time. The local host runs `handler.periodic` by a timer instead.
 * @throws what its last pass threw: CloudWatch's alarms see functions that fail, and not what they log
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
    // The next start may come to another process, a moment before this one is done.
    await letGo(app)
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

/** Passes that failed last: an outage is logged when it begins and ends, when it changes, and each minute or pass between. */
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

/** Does one thing after the other, also when one fails. @throws {AggregateError} with what was thrown */
export const each = async (steps: (() => Promise<unknown>)[]): Promise<void> => {
  const failures: unknown[] = []
  for (const step of steps) await step().catch((error: unknown) => failures.push(error))
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} of ${steps.length} steps failed`)
}
