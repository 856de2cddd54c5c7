import type { Pool } from '../../db/client.ts'
import type { ClaimedJob } from '../../db/queries/claims.ts'
import type { Traffic } from './traffic.ts'
import type { Look } from './watched-sql.ts'

interface Startable {
  id: string
  projectId: string
  priority: number
  kind: string
}

/**
 * Holds each claim against what was startable right before it: of one project it takes no job while another of higher
 * priority could have been taken. Jobs of the narrow kind may have to wait for their slot, and rows that an open
 * transaction holds are passed over. What expires meanwhile was startable before the claim and may not have been in it.
 */
export const watchClaims =
  (admin: Pool, traffic: Traffic, failures: Set<string>): Look =>
  async (statement, send) => {
    if (statement !== 'claims.claim' || traffic.hasTransactions) return send()
    const before = await listStartable(admin)
    const answer = (await send()) as ClaimedJob[]
    const claimed = new Set(answer.map((job) => job.id))
    const left = new Set((await listStartable(admin)).map((it) => it.id))
    for (const ofProject of Map.groupBy(before, (it) => it.projectId).values()) {
      const lowest = Math.min(...ofProject.filter((it) => claimed.has(it.id)).map((it) => it.priority))
      const passedOver = ofProject.filter((it) => left.has(it.id) && it.kind !== 'scripted.narrow')
      if (passedOver.some((it) => it.priority > lowest)) failures.add('a claim passed over a job of higher priority')
    }
    return answer
  }

const listStartable = (admin: Pool): Promise<Startable[]> => admin`
  SELECT id, project_id, priority, kind FROM jobs
  WHERE state = 'queued' AND queue = 'default' AND start_at <= now() AND concurrency_key IS NULL AND crashes < 2
    AND (expires_at IS NULL OR expires_at > now() OR stint > 0)`
