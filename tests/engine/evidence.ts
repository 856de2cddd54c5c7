import type { Pool } from '../../db/client.ts'
import type { JobError, JobState } from '../../db/queries/jobs.ts'

/** Everything that the tables say of the jobs. */
export interface Evidence {
  jobs: JobEvidence[]
  edges: { childId: string; parentId: string; settledAt: Date | null }[]
}

/** One job with all that belongs to it, each in its order. */
export interface JobEvidence {
  id: string
  projectId: string
  kind: string
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
  finishedAt: Date | null
  leaseUntil: Date | null
  worker: string | null
  result: unknown
  partial: unknown
  checkpoint: unknown
  error: JobError | null
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
  publishedAt: Date | null
}

/** Reads it all, in the order of the ids. */
export const gatherEvidence = async (sql: Pool): Promise<Evidence> => {
  const rows = await sql<Omit<JobEvidence, 'events' | 'stints' | 'numbers' | 'lines'>[]>`SELECT * FROM jobs ORDER BY id`
  const events = await sql<(EventEvidence & { jobId: string })[]>`SELECT * FROM events ORDER BY job_id, seq`
  const stints = await sql<(JobEvidence['stints'][number] & { jobId: string })[]>`
    SELECT * FROM stints ORDER BY job_id, stint`
  const numbers = await sql<(JobEvidence['numbers'][number] & { jobId: string })[]>`SELECT * FROM numbers ORDER BY id`
  const lines = await sql<(JobEvidence['lines'][number] & { jobId: string })[]>`SELECT * FROM job_logs ORDER BY id`
  const edges = await sql<Evidence['edges']>`SELECT * FROM job_dependencies`
  const of = <T extends { jobId: string }>(all: T[]) => Map.groupBy(all, (it) => it.jobId)
  const [eventsOf, stintsOf, numbersOf, linesOf] = [of(events), of(stints), of(numbers), of(lines)]
  return {
    edges,
    jobs: rows.map((row) => ({
      ...row,
      events: eventsOf.get(row.id) ?? [],
      stints: stintsOf.get(row.id) ?? [],
      numbers: numbersOf.get(row.id) ?? [],
      lines: linesOf.get(row.id) ?? [],
    })),
  }
}
