import { batch } from '../../lib/queue/batch.ts'
import { UNKNOWN_QUEUE } from '../../lib/queue/doorbells.ts'
import { readDoorbell } from '../../lib/queue/read-doorbell.ts'

/**
 * Counts, logs and drops doorbells that SQS gave up: again and again their worker died, or found no Postgres. They name
 * no job, so nothing is done about them here; rows decide, and the sweep rings for jobs that still wait.
 */
export const handler = batch(async ({ app, records }) => {
  for (const { body, attributes } of records) {
    const queue = readDoorbell(body)?.queue ?? UNKNOWN_QUEUE
    app.metrics.count('stint_doorbells_dead_total', { queue })
    const sentAt = new Date(Number(attributes.SentTimestamp)).toISOString()
    app.log.error({ queue, body: body.slice(0, 200), sentAt }, 'a doorbell was given up; no worker could answer it')
  }
  return []
})
