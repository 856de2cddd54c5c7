import type { CloudEvent } from '../../../lib/events/cloud-event.ts'
import type { Evidence, JobEvidence } from '../evidence.ts'
import type { Journal } from '../journal.ts'
import type { Model } from '../model.ts'

/** What is known when everything has come to its end. */
export interface Known {
  evidence: Evidence
  model: Model
  journal: Journal
  /** What Kafka got, in its order. */
  delivered: CloudEvent[]
}

/** A promise of the engine: it yields every way in which it was broken. */
export type Promised = (known: Known) => Iterable<string>

/** A promise that each job is held against. */
export const ofEachJob = (promise: (job: JobEvidence, known: Known) => Iterable<string>): Promised =>
  function* (known) {
    for (const job of known.evidence.jobs) {
      for (const broken of promise(job, known)) yield `job ${job.id.slice(-4)}: ${broken}`
    }
  }

/** The stretches of time in which something held, as numbers of events, which grow with time. */
export interface Stretch {
  from: number
  to: number
}

/** The most stretches that overlap. */
export const mostAtOnce = (stretches: Stretch[]): number => {
  const edges = stretches.flatMap(({ from, to }) => [
    { at: from, by: 1 },
    { at: to, by: -1 },
  ])
  let now = 0
  let most = 0
  for (const { by } of edges.toSorted((a, b) => a.at - b.at || a.by - b.by)) {
    now += by
    most = Math.max(most, now)
  }
  return most
}
