import { setImmediate as nextTurn } from 'node:timers/promises'
import { isUnavailable } from '../../db/client.ts'
import type { Outcome } from '../../db/queries/outcomes.ts'
import type { SharedJobContext } from './define.ts'
import type { SaveNow } from './keeper.ts'
import type { Stint } from './stint.ts'

/** How long jobs that never wait may keep the event loop before timers and sockets get their turn. */
const TURN_MS = 10

let turnBegan = performance.now()

/**
 * Runs a job on the process's event loop, from safe point to safe point, until it returns, throws or must stop.
 * @param saveNow saves the newest safe point before the job goes on
 * @returns the outcome, or undefined when the stint was fenced off
 * @throws what the job threw
 */
export const runShared = async (
  stint: Stint,
  context: SharedJobContext<unknown, unknown>,
  saveNow: SaveNow,
): Promise<Outcome | undefined> => {
  const points = stint.kind.run(context)
  try {
    for (;;) {
      const step = await points.next()
      if (stint.fenced) return undefined
      if (step.done) return stint.returned(step.value)
      stint.pass(step.value)
      const isKept = !step.value.durable || (await isSaved(saveNow(stint)))
      if (stint.fenced) return undefined
      if (!isKept || stint.mustStop()) return stint.yielded()
      await letOthersRun()
    }
  } finally {
    // Runs the generator's own `finally` blocks. Nobody waits for them, and if they throw, the outcome is decided already.
    points.return(undefined).catch(() => {})
  }
}

/**
 * Whether a durable safe point was saved. Where Postgres was away the job stops at it, which spends no attempt: the point goes
 * with its outcome, and that waits until it can be written.
 * @throws what else kept it from being saved
 */
export const isSaved = async (saving: Promise<void>): Promise<boolean> => {
  try {
    await saving
    return true
  } catch (error) {
    if (!isUnavailable(error)) throw error
    return false
  }
}

/** A generator that yields without waiting only makes microtasks: heartbeats would never get their turn. */
const letOthersRun = async (): Promise<void> => {
  if (performance.now() - turnBegan < TURN_MS) return
  await nextTurn()
  turnBegan = performance.now()
}
