import { setTimeout as sleep } from 'node:timers/promises'
import { type App, appOfProcess } from '../app.ts'
import type { InvocationContext } from '../http/route.ts'

export interface Periodic {
  /** Seconds between two passes. */
  everySeconds: number
  /** One pass. What it throws is logged, and the next pass comes as planned. */
  run: (app: App) => Promise<void>
}

export type PeriodicHandler = ((event: unknown, context: InvocationContext) => Promise<void>) & { periodic: Periodic }

/** Kept back from the function's time so that a pass can end. */
const MARGIN_MS = 5_000

/**
 * Wraps a scheduled function. EventBridge starts one each minute at best, so the function makes pass after pass until
 * its time is nearly over. The local host runs `handler.periodic` by a timer instead.
 */
export const every = (periodic: Periodic): PeriodicHandler => {
  const handler = async (_event: unknown, context: InvocationContext): Promise<void> => {
    const app = context.app ?? (await appOfProcess())
    do {
      await pass(app, periodic)
      await sleep(periodic.everySeconds * 1_000)
    } while (context.getRemainingTimeInMillis() > MARGIN_MS)
  }
  return Object.assign(handler, { periodic })
}

/** One pass whose failure is logged. */
export const pass = async (app: App, periodic: Periodic): Promise<void> => {
  try {
    await periodic.run(app)
  } catch (error) {
    app.log.error({ err: error }, 'a periodic pass failed')
  }
}
