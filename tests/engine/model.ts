import type { JobChange } from '../../db/queries/job-changes.ts'
import type { Prepared } from '../../lib/jobs/prepare.ts'
import type { Submitted } from '../../lib/jobs/store.ts'
import type { JobSpec } from './moves.ts'

/** A request, which stays the same when it is sent again. */
export interface Request {
  how: 'one' | 'gathered' | 'batch'
  specs: JobSpec[]
  /** Idempotency keys, one per job, or none. */
  keys: (string | undefined)[]
  /** Per job, the ids of earlier jobs that it runs after. */
  parents: string[][]
}

/** A request as it was sent once. Each sending makes ids of its own. */
export interface Sending {
  request: Request
  prepared: Prepared[]
  /** By the clock that all processes share. */
  sentMs: number
  /** `unknown`: the host died before it answered. */
  answer: 'unknown' | 'accepted' | 'refused'
  submitted: Submitted[]
  error: unknown
}

/** What somebody asked for one job. `unknown`: the host died before it answered. */
export interface Ask {
  what: 'cancel' | 'retry' | 'retry from the start'
  jobId: string
  /** `running`: a cancel that the job must still hear of. */
  answer: 'unknown' | 'done' | 'running' | 'refused'
}

/** A change of a job that somebody asked for. */
export interface AskedChange {
  jobId: string
  change: JobChange
  answer: 'unknown' | 'done' | 'refused'
}

/** What the test knows about the jobs: who asked for what, and what was answered. The engine is checked against it. */
export class Model {
  readonly sendings: Sending[] = []
  /** The jobs that people know of, in the order of the answers. */
  readonly accepted: string[] = []
  readonly asks: Ask[] = []
  readonly changes: AskedChange[] = []
  /** Who asked to delete a job, and was not refused. Of several who ask for the same one, others may be. */
  readonly deletions = new Set<{ jobId: string }>()
  /** Old jobs may have been removed. */
  pruned = false
  /** When the queue was known to be paused, in numbers of events. */
  readonly pauses: { from: number; to: number }[] = []
  /** Enough time has passed for an idempotency key to expire. */
  keysExpired = false

  accept(sending: Sending, submitted: Submitted[]): void {
    if (sending.answer !== 'accepted') sending.submitted = submitted
    sending.answer = 'accepted'
    for (const { jobId } of submitted) if (!this.accepted.includes(jobId)) this.accepted.push(jobId)
  }

  /** The submission of a stored job. */
  originOf(jobId: string): { spec: JobSpec; prepared: Prepared; sending: Sending } | undefined {
    for (const sending of this.sendings) {
      const index = sending.prepared.findIndex((it) => it.row.id === jobId)
      const spec = sending.request.specs[index]
      const prepared = sending.prepared[index]
      if (spec && prepared) return { spec, prepared, sending }
    }
    return undefined
  }

  /** Accepted jobs of a project. */
  acceptedIn(projectId: string): string[] {
    return this.accepted.filter((id) => this.originOf(id)?.prepared.row.projectId === projectId)
  }

  /** Idempotency keys, each of one project, with what was sent under it. */
  byKey(): Map<string, { key: string; projectId: string; id: string; bodyHash: string; answer: string | undefined }[]> {
    const sent = this.sendings.flatMap(({ prepared, submitted }) =>
      prepared.flatMap(({ row: { id, projectId }, idempotency }, index) =>
        idempotency ? [{ ...idempotency, projectId, id, answer: submitted[index]?.jobId }] : [],
      ),
    )
    return Map.groupBy(sent, (it) => `${it.key} of ${it.projectId.slice(-1)}`)
  }

  /** Values of a field that a job may have by what was asked. */
  changesOf(jobId: string, field: keyof JobChange): unknown[] {
    const asked = this.changes.filter((it) => it.jobId === jobId && it.answer !== 'refused')
    return asked.flatMap(({ change }) => (change[field] === undefined ? [] : [change[field]]))
  }

  /** Whether somebody asked for it, and was not refused. */
  wasAsked(what: Ask['what'], jobId: string): boolean {
    return this.asks.some((it) => it.what === what && it.jobId === jobId && it.answer !== 'refused')
  }
}
