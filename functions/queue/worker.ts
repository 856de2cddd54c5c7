import { z } from 'zod'
import type { App } from '../../lib/app.ts'
import { ClaimError, execute } from '../../lib/jobs/execute.ts'
import { createThreads } from '../../lib/jobs/run-thread.ts'
import { batch } from '../../lib/queue/batch.ts'
import { QUEUES } from '../../lib/queue/doorbells.ts'
import { kinds } from '../jobs/index.ts'

const doorbell = z.object({ v: z.literal(1), queue: z.enum(QUEUES), n: z.int().min(1).max(1_000) })

const threads = createThreads(new URL('./thread.ts', import.meta.url))

/** Answers doorbells: claims jobs of their queue and runs them. */
export const handler = batch(async ({ app, records, remainingMs }) => {
  const doorbells = records.flatMap((record) => readDoorbell(app, record.body) ?? [])
  const [first] = doorbells
  if (!first) return []
  const budget = doorbells.reduce((sum, { n }) => sum + n, 0)
  try {
    await execute({ app, kinds, threads }, { queue: first.queue, budget, remainingMs })
    return []
  } catch (error) {
    app.log.error({ err: error, queue: first.queue }, 'an invocation failed')
    return error instanceof ClaimError ? records.map((record) => record.messageId) : []
  }
})

/** A message that is no doorbell can't be answered by anyone: it is logged and dropped. */
const readDoorbell = (app: App, body: string): z.infer<typeof doorbell> | undefined => {
  const parsed = doorbell.safeParse(parseJson(body))
  if (parsed.success) return parsed.data
  app.log.error({ body: body.slice(0, 200) }, 'a message that is no doorbell was dropped')
  return undefined
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
