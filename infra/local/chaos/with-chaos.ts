import type { App } from '../../../lib/app.ts'
import { createCuts } from './cuts.ts'
import { disturbDoorbells } from './doorbells.ts'
import { createRandom } from './random.ts'
import { loseReplies } from './replies.ts'

/**
 * The app of a process that `STINT_CHAOS` makes unreliable: what it sends may be lost, what it is told may not arrive,
 * and its jobs are stopped for no reason. Nothing of it may lose a job, finish one twice, or let two stints write.
 * @param label tells processes of one seed apart
 */
export const withChaos = (app: App, seed: number, label: string): App => ({
  ...app,
  queue: disturbDoorbells(app.queue, createRandom(seed, `${label} doorbells`)),
  sql: loseReplies(app.sql, createRandom(seed, `${label} replies`)),
  cutStint: createCuts(createRandom(seed, `${label} cuts`)),
})
