import { isDeepStrictEqual } from 'node:util'
import type { JobState } from '../../../db/queries/jobs.ts'
import { jobEvent } from '../../../functions/views/event.ts'
import { ENDED, TRANSITIONS } from '../../../lib/jobs/states.ts'
import { type EventEvidence, lastLifeOf, livesOf } from '../evidence.ts'
import { ofEachJob, type Promised } from './known.ts'

/** The state that an event tells of; null for one that changes none. */
const STATE_OF: Record<string, JobState | null> = {
  'job.blocked': 'blocked',
  'job.queued': 'queued',
  'job.started': 'running',
  'job.progressed': null,
  'job.cancelling': null,
  'job.retried': 'queued',
  'job.continued': 'queued',
  'job.succeeded': 'succeeded',
  'job.failed': 'failed',
  'job.cancelled': 'cancelled',
}

/** The events that may end a stint of this outcome. */
const ENDING_OF: Record<string, string[]> = {
  succeeded: ['job.succeeded'],
  retried: ['job.retried'],
  postponed: ['job.retried'],
  continued: ['job.continued'],
  crashed: ['job.continued', 'job.failed', 'job.cancelled'],
  failed: ['job.failed'],
  cancelled: ['job.cancelled'],
}

/** What is promised to those who watch a job: its events tell all that happened to it, once, and in order. */
export const timeline: Record<string, Promised> = {
  'events are numbered from 1 without gaps, up to the number in the row': ofEachJob(function* ({ events, eventSeq }) {
    const gap = events.findIndex((event, index) => event.seq !== index + 1)
    if (gap >= 0) yield `its event ${gap + 1} has the number ${events[gap]?.seq}`
    if (events.length !== eventSeq) yield `it has ${events.length} events, and its row says ${eventSeq}`
  }),

  'events tell what the API says that they tell, and nothing else': ofEachJob(function* ({ events }) {
    for (const { seq, type, data, createdAt } of events) {
      const { data: event, error } = jobEvent.safeParse({ seq, type, data, createdAt: createdAt.toISOString() })
      if (error) yield `its ${type} is not as declared: ${error.message}`
      const more = Object.keys(data).filter((name) => event && !(name in event.data))
      if (more.length > 0) yield `its ${type} tells ${more} too`
    }
  }),

  'states follow each other as the table says': ofEachJob(function* (job) {
    const path = statesOf(job.events)
    if (path[0] !== 'blocked' && path[0] !== 'queued') yield `it began ${path[0]}`
    for (const [index, state] of path.slice(1).entries()) {
      const before = path[index]
      if (before && !(TRANSITIONS[before] as readonly JobState[]).includes(state))
        yield `it went from ${before} to ${state}`
    }
    if (path.at(-1) !== job.state) yield `its events end with ${path.at(-1)}, and its row says ${job.state}`
  }),

  'a job ends once, and begins anew only when somebody asks for it': ofEachJob(function* (job, { model }) {
    const lives = livesOf(job)
    for (const { events } of lives) {
      const ends = statesOf(events).filter((state) => (ENDED as readonly JobState[]).includes(state))
      if (ends.length !== 1) yield `it ended ${ends.length} times: ${ends.join(', ')}`
    }
    const retries = job.events.filter((it) => it.data['reason'] === 'retried').length
    const asked = model.asks.filter((it) => it.jobId === job.id && it.what !== 'cancel')
    if (retries > asked.filter((it) => it.answer !== 'refused').length) yield `it began anew ${retries} times`
    if (retries < asked.filter((it) => it.answer === 'done').length) yield `it began anew only ${retries} times`
    if (!job.finishedAt) yield 'it has no time of its end'
    if (job.leaseUntil || job.worker) yield 'it ended and somebody holds it'
  }),

  'stints are numbered without gaps, each begins once and ends once': ofEachJob(function* (job) {
    const started = job.events.filter((it) => it.type === 'job.started').map((it) => Number(it.data['stint']))
    const expected = Array.from({ length: job.stint }, (_, index) => index + 1).join()
    if (started.join() !== expected) yield `its stints began as ${started}, and its row says ${job.stint}`
    const ended = job.stints.map((it) => it.stint)
    if (ended.join() !== expected) yield `its stints ended as ${ended}, and its row says ${job.stint}`
  }),

  'every stint ends as its event says, and no event comes from a stint that is over': ofEachJob(function* (job) {
    let stint = 0
    for (const [index, { type, data }] of job.events.entries()) {
      if (type === 'job.started') stint = Number(data['stint'])
      if (type === 'job.progressed' && data['stint'] !== stint)
        yield `stint ${data['stint']} told of itself in stint ${stint}`
      if (type !== 'job.started') continue
      const outcome = job.stints.find((it) => it.stint === stint)?.outcome ?? 'none'
      const ending = job.events.slice(index + 1).find((it) => leavesRunning(it))
      if (!ENDING_OF[outcome]?.includes(ending?.type ?? ''))
        yield `stint ${stint} ended ${outcome}, and its event is ${ending?.type}`
    }
  }),

  'attempts are spent by throws alone, and never more than there are': ofEachJob(function* (job) {
    const threw = lastLifeOf(job).stints.filter((it) => it.outcome === 'retried').length
    if (job.attempt !== threw + 1) yield `it is at attempt ${job.attempt} after ${threw} retries`
    if (job.attempt > job.maxAttempts) yield `it is at attempt ${job.attempt} of ${job.maxAttempts}`
  }),

  'after a cancel was asked for, a job only ends': ofEachJob(function* (job) {
    for (const { events } of livesOf(job)) {
      const asked = events.findIndex((it) => it.type === 'job.cancelling')
      if (asked < 0) continue
      const acknowledged = events.filter((it) => it.type === 'job.cancelling' && it.data['step'] === 'acknowledged')
      if (acknowledged.length > 1) yield `its cancel was acknowledged ${acknowledged.length} times`
      const after = events.slice(asked + 1).filter((it) => it.type !== 'job.progressed' && !acknowledged.includes(it))
      const [end] = after
      if (after.length !== 1 || !['job.cancelled', 'job.succeeded'].includes(end?.type ?? '')) {
        yield `after its cancel came ${after.map((it) => it.type)}`
      }
    }
  }),

  'no job starts before it is due': ofEachJob(function* ({ events }) {
    let dueMs = 0
    for (const { type, data, createdAt } of events) {
      if (typeof data['startAt'] === 'string') dueMs = Date.parse(data['startAt'])
      // Dates have no microseconds.
      if (type === 'job.started' && createdAt.getTime() < dueMs - 1)
        yield `it started ${dueMs - createdAt.getTime()} ms early`
    }
  }),

  'no job starts for the first time once it has expired, and none expires that has started': ofEachJob(function* (job) {
    const { events, error, expiresAt, finishedAt } = job
    const first = events.find((it) => it.type === 'job.started')
    // A retry takes the expiry away.
    if (first && expiresAt && first.createdAt > expiresAt) yield 'it started after it had expired'
    if (error?.code !== 'EXPIRED') return
    if (first) yield 'it expired after it had started'
    if (!expiresAt || !finishedAt || finishedAt < expiresAt) yield 'it was cancelled before it expired'
  }),

  'while the queue is paused nothing starts': ofEachJob(function* ({ events }, { model }) {
    for (const { id, type } of events) {
      const paused = type === 'job.started' && model.pauses.some(({ from, to }) => from < id && id <= to)
      if (paused) yield 'it started while the queue was paused'
    }
  }),

  *'Kafka gets every event at least once, and a job’s in order'({ evidence, delivered }) {
    const seen = new Map<string, number[]>()
    for (const { subject, seq } of delivered) {
      const seqs = seen.get(subject) ?? []
      if (!seqs.includes(seq)) seqs.push(seq)
      seen.set(subject, seqs)
    }
    for (const job of evidence.jobs) {
      const got = seen.get(job.id) ?? []
      const expected = job.events.map((it) => it.seq)
      if (got.join() !== expected.join()) yield `of job ${job.id.slice(-4)} came ${got}, and its events are ${expected}`
    }
  },

  *'what Kafka got is what the table says'({ evidence, delivered }) {
    const rows = new Map(evidence.jobs.flatMap((job) => job.events.map((it) => [`${job.id}:${it.seq}`, it])))
    for (const event of delivered) {
      const row = rows.get(event.id)
      if (!row || row.type !== event.type || !isDeepStrictEqual(row.data, event.data)) {
        yield `Kafka got ${event.type} as ${event.id}, and the table has ${row?.type ?? 'no such event'}`
      }
    }
  },
}

/** The event of a change names the state that the job is in. */
const statesOf = (events: EventEvidence[]): JobState[] =>
  events.flatMap(({ type, data }) => (data['reason'] === 'changed' ? [] : (STATE_OF[type] ?? [])))

const leavesRunning = ({ type }: EventEvidence): boolean => {
  const state = STATE_OF[type]
  return state !== null && state !== undefined && state !== 'running'
}
