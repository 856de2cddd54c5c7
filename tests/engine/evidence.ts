import type { Pool } from '../../db/client.ts'
import type { JobError, JobState } from '../../db/queries/jobs.ts'
import type { CatchUp } from '../../db/queries/schedules.ts'
import type { Script } from './scripted.ts'

/** Everything that the tables hold about the jobs. */
export interface Evidence {
  jobs: JobEvidence[]
  edges: { childId: string; parentId: string; settledAt: Date | null; goneAt: number | null }[]
  schedules: ScheduleEvidence[]
}

interface ScheduleEvidence {
  id: string
  catchUp: CatchUp
  error: JobError | null
  /** In their order. */
  ticks: { at: Date; jobId: string }[]
}

/** One job with all that belongs to it, each in its order. */
export interface JobEvidence {
  id: string
  projectId: string
  kind: string
  name: string | null
  submittedBy: string | null
  input: Script
  state: JobState
  attempt: number
  maxAttempts: number
  stint: number
  crashes: number
  eventSeq: number
  timeoutSeconds: number
  runMs: number
  waitsFor: number
  priority: number
  tags: string[]
  onParentFailure: string
  expiresAt: Date | null
  finishedAt: Date | null
  leaseUntil: Date | null
  worker: string | null
  result: unknown
  partial: unknown
  checkpoint: unknown
  error: JobError | null
  /** When it was deleted, as the number of the latest event; null while it is there. */
  goneAt: number | null
  /** The transactions that its deletion saw, as Postgres writes a snapshot. */
  goneSeeing: string | null
  events: EventEvidence[]
  stints: { stint: number; attempt: number; outcome: string; worker: string; runMs: number; error: JobError | null }[]
  numbers: { id: number; stint: number; number: number; held: boolean }[]
  lines: { stint: number; message: string }[]
}

export interface EventEvidence {
  id: number
  seq: number
  type: string
  data: Record<string, unknown>
  createdAt: Date
  /** The transaction that wrote it. */
  xid: number
}

/** Reads it all in the order of the ids, including what was deleted. */
export const gatherEvidence = async (sql: Pool): Promise<Evidence> => {
  const all = (table: string) => sql`
    (SELECT *, NULL AS gone_at, NULL AS gone_seeing FROM ${sql(table)} UNION ALL SELECT * FROM ${sql(`archive.${table}`)}) AS ${sql(table)}`
  const rows = await sql<Omit<JobEvidence, 'events' | 'stints' | 'numbers' | 'lines'>[]>`
    SELECT * FROM ${all('jobs')} ORDER BY id`
  const events = await sql<(EventEvidence & { jobId: string })[]>`SELECT * FROM ${all('events')} ORDER BY job_id, seq`
  const stints = await sql<(JobEvidence['stints'][number] & { jobId: string })[]>`
    SELECT * FROM ${all('stints')} ORDER BY job_id, stint`
  const numbers = await sql<(JobEvidence['numbers'][number] & { jobId: string })[]>`SELECT * FROM numbers ORDER BY id`
  const lines = await sql<(JobEvidence['lines'][number] & { jobId: string })[]>`
    SELECT * FROM ${all('job_logs')} ORDER BY id`
  const edges = await sql<Evidence['edges']>`SELECT * FROM ${all('job_dependencies')}`
  const of = <T extends { jobId: string }>(all: T[]) => Map.groupBy(all, (it) => it.jobId)
  const [eventsOf, stintsOf, numbersOf, linesOf] = [of(events), of(stints), of(numbers), of(lines)]
  const made = await sql<Omit<ScheduleEvidence, 'ticks'>[]>`SELECT id, catch_up, error FROM schedules ORDER BY id`
  const ticks = await sql<(ScheduleEvidence['ticks'][number] & { scheduleId: string })[]>`
    SELECT schedule_id, tick AS at, job_id FROM schedule_ticks ORDER BY schedule_id, tick`
  return {
    edges,
    schedules: made.map((it) => ({ ...it, ticks: ticks.filter((tick) => tick.scheduleId === it.id) })),
    jobs: rows.map((row) => ({
      ...row,
      events: eventsOf.get(row.id) ?? [],
      stints: stintsOf.get(row.id) ?? [],
      numbers: numbersOf.get(row.id) ?? [],
      lines: linesOf.get(row.id) ?? [],
    })),
  }
}

/** What happened to a job from its submission, or from a retry, until the next retry. */
export interface Life {
  events: EventEvidence[]
  stints: JobEvidence['stints']
}

/** A job has one life, and one more for each retry. */
export const livesOf = ({ events, stints }: JobEvidence): [Life, ...Life[]] => {
  const begins = events.flatMap(({ data }, index) =>
    data['reason'] === 'retried' || data['reason'] === 'redriven' ? [index] : [],
  )
  const [first = [], ...others] = [0, ...begins].map((begin, nth) => events.slice(begin, begins[nth]))
  const lifeOf = (own: EventEvidence[]): Life => {
    const started = new Set(own.filter((it) => it.type === 'job.started').map((it) => it.data['stint']))
    return { events: own, stints: stints.filter((it) => started.has(it.stint)) }
  }
  return [lifeOf(first), ...others.map(lifeOf)]
}

/** Whether the job's deletion saw what a transaction wrote: that one had committed by then. */
export const sawWhenGone = ({ goneSeeing }: JobEvidence, xid: number): boolean => {
  const [, next = '0', underWay = ''] = goneSeeing?.split(':') ?? []
  return xid < Number(next) && !underWay.split(',').includes(String(xid))
}

/** From its first event to its last, as numbers of events, which grow with time. */
export const stretchOf = ({ events }: Life): { from: number; to: number } => ({
  from: events.at(0)?.id ?? 0,
  to: events.at(-1)?.id ?? 0,
})

export const lastLifeOf = (job: JobEvidence): Life => livesOf(job).at(-1) ?? { events: [], stints: [] }

/** Whether it was ever retried. */
export const wasRetried = (job: JobEvidence): boolean => livesOf(job).length > 1
