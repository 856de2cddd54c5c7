import type { App } from '../../lib/app.ts'
import { ClaimError, execute } from '../../lib/jobs/execute.ts'
import { createThreads } from '../../lib/jobs/run-thread.ts'
import { batch } from '../../lib/queue/batch.ts'
import type { Doorbell } from '../../lib/queue/doorbells.ts'
import { readDoorbell } from '../../lib/queue/read-doorbell.ts'
import { allKinds, kinds } from '../jobs/index.ts'

const threads = createThreads(new URL('./thread.ts', import.meta.url))

/** Answers doorbells: claims jobs of their queue and runs them. */
export const handler = batch(async ({ app, records, remainingMs }) => {
  const doorbells = records.flatMap((record) => readOrDrop(app, record.body) ?? [])
  const [first] = doorbells
  if (!first) return []
  const budget = doorbells.reduce((sum, { n }) => sum + n, 0)
  try {
    await execute({ app, kinds: allKinds, submittable: kinds, threads }, { queue: first.queue, budget, remainingMs })
    return []
  } catch (error) {
    app.log.error({ err: error, queue: first.queue }, 'an invocation failed')
    return error instanceof ClaimError ? records.map((record) => record.messageId) : []
  }
})

/** A message that is no doorbell can't be answered by anyone: it is logged and dropped. */
const readOrDrop = (app: App, body: string): Doorbell | undefined => {
  const doorbell = readDoorbell(body)
  if (!doorbell) app.log.error({ body: body.slice(0, 200) }, 'a message that is no doorbell was dropped')
  return doorbell
}
