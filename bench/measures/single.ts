import { generateLoad } from '../load.ts'
import type { Plan } from '../rows.ts'
import type { MeasuredStack } from '../stack.ts'
import { watchUsage } from '../usage.ts'
import { BODY } from './body.ts'
import { type Costs, costsOf } from './costs.ts'

export interface Single extends Costs {
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** Jobs that were still waiting when the last submission was answered. */
  backlog: number
}

/** Single submissions over HTTP, each connection with one under way. */
export const measureSingle = async (
  { stack, port, token, sql, counters }: MeasuredStack,
  load: Plan['load'],
): Promise<Single> => {
  const [newest] = await sql<{ id: string }[]>`SELECT id FROM jobs ORDER BY id DESC LIMIT 1`
  const before = await counters()
  const usage = watchUsage(stack.run)
  const result = await generateLoad({ port, token, body: BODY, ...load })
  const spent = usage.stop()
  const [{ made, backlog }] = await sql<[{ made: number; backlog: number }]>`
    SELECT count(*)::integer AS made, count(*) FILTER (WHERE state IN ('queued', 'running'))::integer AS backlog
    FROM jobs WHERE id > coalesce(${newest?.id ?? null}::uuid, '00000000-0000-0000-0000-000000000000')`
  const after = await counters()
  return {
    perSecond: result.answered / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    backlog,
    ...costsOf(made, before, after, spent),
  }
}
