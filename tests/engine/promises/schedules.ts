import { SCHEDULED, TICK_SECONDS } from '../scripted.ts'
import type { Promised } from './known.ts'

/** What a schedule is promised. */
export const schedules: Record<string, Promised> = {
  *'a tick of a schedule becomes one job, and nothing else does'({ evidence }) {
    const made = evidence.jobs.filter((it) => it.name === SCHEDULED && it.submittedBy === null).map((it) => it.id)
    const ticks = evidence.schedules.flatMap((it) => it.ticks)
    const byJob = Map.groupBy(ticks, (it) => it.jobId)
    for (const id of made) if (byJob.get(id)?.length !== 1) yield `job ${id.slice(-4)} is of no tick, or of several`
    for (const { at, jobId } of ticks) if (!made.includes(jobId)) yield `the job of ${at.toISOString()} is lost`
    for (const { error } of evidence.schedules) if (error) yield `a schedule made no job: ${error.message}`
  },

  *'a schedule that makes up for what it missed leaves no tick out'({ evidence }) {
    for (const { catchUp, ticks } of evidence.schedules) {
      const [first] = ticks
      if (catchUp !== 'all' || !first) continue
      for (const [nth, { at }] of ticks.entries()) {
        const due = first.at.getTime() + nth * TICK_SECONDS * 1_000
        if (at.getTime() === due) continue
        yield `after ${nth} ticks came ${at.toISOString()}, and not ${new Date(due).toISOString()}`
        break
      }
    }
  },
}
