import { debugNoop } from '../../functions/jobs/debug-noop.ts'
import { execute } from '../../lib/jobs/execute.ts'
import { createThreads } from '../../lib/jobs/run-thread.ts'
import { batch } from '../../lib/queue/batch.ts'
import type { Doorbell } from '../../lib/queue/doorbells.ts'
import { poisonKinds } from './poison-kinds.ts'

// The worker function (functions/queue/worker.ts) with kinds that harm their process, and one that harms nobody.

const kinds = [debugNoop, ...poisonKinds]
const threads = createThreads(new URL('./poison-thread.ts', import.meta.url))

export const handler = batch(async ({ app, records, remainingMs }) => {
  const doorbells = records.map((record) => JSON.parse(record.body) as Doorbell)
  const budget = doorbells.reduce((sum, { n }) => sum + n, 0)
  await execute({ app, kinds, threads }, { queue: 'default', budget, remainingMs })
  return []
})
