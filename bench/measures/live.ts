import type { Api } from '../../functions/http/api.ts'
import { createClient } from '../../lib/client/client.ts'
import { fixed } from '../../lib/client/credentials.ts'
import { follow, type LiveEvent } from '../../lib/client/live.ts'
import type { Plan } from '../rows.ts'
import type { MeasuredStack } from '../stack.ts'
import { quantile } from './quantile.ts'

export interface Live {
  /** From the transaction that writes a safe point to the client's callback, over the WebSocket. */
  p50Ms: number
  p95Ms: number
  /** The same for the first event on this stack, which includes connecting and compiling. */
  firstMs: number
}

/** Jobs that pass a safe point each half second, and one client who follows them. Both read one machine's clock. */
export const measureLive = async (
  { stack, token, http, idle }: MeasuredStack,
  { jobs, steps }: Plan['live'],
): Promise<Live> => {
  const client = createClient<Api>({ baseUrl: stack.url, credentials: fixed(token) })
  const heard: { type: string; ms: number }[] = []
  const hear = ({ type, createdAt }: LiveEvent): void => {
    heard.push({ type, ms: performance.timeOrigin + performance.now() - Date.parse(createdAt) })
  }
  const live = Promise.withResolvers<void>()
  const following = follow({
    ticket: () => client.call('POST /live/tickets'),
    missed: (after) => client.call('GET /live/events', { query: { after } }),
    onEvents: (events) => events.forEach(hear),
    onState: (state) => state === 'live' && live.resolve(),
  })
  try {
    await live.promise
    const submission = { kind: 'debug.noop', input: { steps, stepMs: 500 } }
    await http('POST', '/jobs/batch', { jobs: Array.from({ length: jobs }, () => submission) })
    await idle()
  } finally {
    following.stop()
  }
  const safePoints = heard.filter(({ type }) => type === 'job.progressed').map(({ ms }) => ms)
  return {
    p50Ms: quantile(safePoints, 0.5),
    p95Ms: quantile(safePoints, 0.95),
    firstMs: heard[0]?.ms ?? Number.NaN,
  }
}
