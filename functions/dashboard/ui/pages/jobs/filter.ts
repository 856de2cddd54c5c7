import { STATES } from '../../../../../lib/jobs/states.ts'
import { QUEUES, type QueueName } from '../../../../../lib/queue/doorbells.ts'

export interface JobFilter {
  state?: (typeof STATES)[number]
  kind?: string
  queue?: QueueName
  tag?: string
  submittedBy?: string
  text?: string
  queuedAfter?: string
  queuedBefore?: string
  finishedAfter?: string
  finishedBefore?: string
}

export const TIMES = ['queuedAfter', 'queuedBefore', 'finishedAfter', 'finishedBefore'] as const

/** The filter that the page's address has. */
export const readFilter = (query: Record<string, string>): JobFilter => {
  const filter: JobFilter = {}
  const state = STATES.find((it) => it === query['state'])
  const queue = QUEUES.find((it) => it === query['queue'])
  if (state) filter.state = state
  if (queue) filter.queue = queue
  for (const name of ['kind', 'tag', 'submittedBy', 'text'] as const) if (query[name]) filter[name] = query[name]
  for (const name of TIMES) {
    const time = Date.parse(query[name] ?? '')
    if (!Number.isNaN(time)) filter[name] = new Date(time).toISOString()
  }
  return filter
}
