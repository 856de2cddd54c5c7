import { isDeepStrictEqual } from 'node:util'
import { type JobEvidence, lastLifeOf, livesOf, wasRetried } from '../evidence.ts'
import type { JobSpec } from '../moves.ts'
import { type Known, ofEachJob, type Promised } from './known.ts'

/** What is promised about a job's end: it has a reason, and the right one. */
export const endings: Record<string, Promised> = {
  'a job ends as its code ended, or for a reason that somebody gave': ofEachJob(function* (job, known) {
    const wrong = wrongEnding(job, known)
    if (wrong) yield `it is ${job.state} (${job.error?.code ?? 'no error'}): ${wrong}`
  }),

  'a cancel that was answered is final: the job is cancelled, or succeeded before it heard of it': ofEachJob(function* (
    job,
    { model },
  ) {
    if (wasRetried(job)) return
    for (const { jobId, what, answer } of model.asks) {
      if (jobId !== job.id || what !== 'cancel') continue
      const allowed = { done: ['cancelled'], running: ['cancelled', 'succeeded'], unknown: null, refused: null }[answer]
      if (allowed && !allowed.includes(job.state))
        yield `its cancel was answered with ${answer}, and it is ${job.state}`
    }
  }),

  'the third lost lease in a row without a safe point is the last': ofEachJob(function* (job) {
    for (const { events, stints } of livesOf(job)) {
      const progressed = new Set(events.filter((it) => it.type === 'job.progressed').map((it) => it.data['stint']))
      const lost = stints.map((it) => it.outcome === 'crashed' && !progressed.has(it.stint))
      const third = lost.findIndex((it, index) => it && lost[index - 1] && lost[index - 2])
      if (third >= 0 && third < stints.length - 1) yield `it went on after it had lost three, with stint ${third + 2}`
    }
  }),

  'a job shows its whole way': ofEachJob(function* (job) {
    const { events, stints } = lastLifeOf(job)
    const sum = stints.reduce((total, it) => total + it.runMs, 0)
    if (sum !== job.runMs) yield `its stints ran for ${sum} ms, and its row says ${job.runMs}`
    const error = events.at(-1)?.data['error'] as { code: string } | undefined
    if (job.state === 'failed' && error?.code !== job.error?.code)
      yield `its last event says that it failed with ${error?.code}`
  }),
}

/** What holds besides, when nobody cancelled, slept, died or waited: scripts alone decide. */
export const fairEndings: Record<string, Promised> = {
  'a job that nothing disturbed ends as its script says, with no stint more than it needs': ofEachJob(function* (
    job,
    { model },
  ) {
    const spec = model.originOf(job.id)?.spec
    if (!spec || ['REPLACED', 'PARENT_FAILED', 'EXPIRED'].includes(job.error?.code ?? '')) return
    const expected = fateOf(spec)
    const found = { state: job.state, attempt: job.attempt, stints: job.stint, code: job.error?.code }
    if (!isDeepStrictEqual(found, expected)) {
      yield `it ended ${JSON.stringify(found)}, and its script says ${JSON.stringify(expected)}`
    }
  }),
}

const wrongEnding = (job: JobEvidence, { evidence, journal, model }: Known): string | undefined => {
  const last = journal.of(job.id).at(-1)
  const lost = lastLifeOf(job).stints.filter((it) => it.outcome === 'crashed').length
  const parents = evidence.edges.filter((it) => it.childId === job.id).map((it) => it.parentId)
  const failedParent = evidence.jobs.some((it) => parents.includes(it.id) && didFail(it))
  switch (job.state) {
    case 'succeeded':
      return last?.ending === 'returned' ? undefined : 'its code did not return'
    case 'cancelled':
      if (job.error?.code === 'PARENT_FAILED') {
        return failedParent && job.onParentFailure === 'skip' ? undefined : 'no parent failed'
      }
      if (job.error?.code === 'REPLACED')
        return model.originOf(job.id)?.spec.unique ? undefined : 'it has no unique key'
      if (job.error?.code === 'EXPIRED')
        return model.originOf(job.id)?.spec.expiresAfterSeconds ||
          model.changesOf(job.id, 'expiresInSeconds').length > 0
          ? undefined
          : 'it had no expiry'
      return model.wasAsked('cancel', job.id) ? undefined : 'nobody cancelled it'
    case 'failed':
      switch (job.error?.code) {
        case 'PARENT_FAILED':
          return failedParent && job.onParentFailure === 'fail' ? undefined : 'no parent failed'
        case 'CRASHED':
          return lost >= 3 ? undefined : `it lost ${lost} leases`
        case 'TIMEOUT':
          return job.runMs >= job.timeoutSeconds * 1_000 ? undefined : `it ran ${job.runMs} ms`
        case 'AS_TOLD':
          return last?.code === 'AS_TOLD' ? undefined : 'its code did not say so'
        case 'VALIDATION_FAILED':
          return wasRetried(job) && evidence.jobs.some((it) => it.submittedBy === job.id && it.goneAt !== null)
            ? undefined
            : 'nothing that it submitted was deleted before it began anew'
        case 'Error':
        // What its own transaction, or a submission of it, was told.
        case 'CONNECTION_CLOSED':
        case 'NO_SAFE_POINT':
          if (job.attempt < job.maxAttempts) return `it was at attempt ${job.attempt} of ${job.maxAttempts}`
          return job.error.code !== 'NO_SAFE_POINT' && last?.code !== 'Error' ? 'its code did not throw' : undefined
        default:
          return 'there is no such reason'
      }
    default:
      return 'it did not end'
  }
}

/** At least once it ended without success. */
const didFail = (job: JobEvidence): boolean => job.state !== 'succeeded' || wasRetried(job)

const fateOf = ({ script: { points, throws }, maxAttempts }: JobSpec) => {
  const succeeded = (attempt: number, stints: number) => ({ state: 'succeeded', attempt, stints, code: undefined })
  if (!throws || throws.at > points) return succeeded(1, 1)
  if (throws.how === 'permanent') return { state: 'failed', attempt: 1, stints: 1, code: 'AS_TOLD' }
  if (throws.how === 'later') return succeeded(1, throws.until + 1)
  if (throws.until < maxAttempts) return succeeded(throws.until + 1, throws.until + 1)
  return { state: 'failed', attempt: maxAttempts, stints: maxAttempts, code: 'Error' }
}
