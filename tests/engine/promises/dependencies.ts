import { isDeepStrictEqual } from 'node:util'
import { type Evidence, type JobEvidence, livesOf, stretchOf, wasRetried } from '../evidence.ts'
import { ofEachJob, type Promised } from './known.ts'

/** What is promised about jobs that run after others. */
export const dependencies: Record<string, Promised> = {
  'a job runs after the jobs that it was told to run after': ofEachJob(function* (job, { evidence, model }) {
    const origin = model.originOf(job.id)
    if (!origin) return
    const { prepared, submitted } = origin.sending
    // A sibling that was answered with another job, for its key, stands for that one.
    const answeredWith = new Map(prepared.map((it, index) => [it.row.id, submitted[index]?.jobId ?? it.row.id]))
    const told = new Set(origin.prepared.after.map((id) => answeredWith.get(id) ?? id))
    const edges = new Set(evidence.edges.filter((it) => it.childId === job.id).map((it) => it.parentId))
    const known = origin.sending.answer === 'accepted' || prepared.every((it) => !it.idempotency && !it.unique)
    if (known && [...told].toSorted().join() !== [...edges].toSorted().join())
      yield `it was to run after ${told.size} jobs and has ${edges.size} parents`
  }),

  'no job is freed while a parent lives, and it is told how they ended': ofEachJob(function* (
    job,
    { evidence, journal },
  ) {
    const parents = parentsOf(job, evidence)
    for (const { events } of livesOf(job)) {
      const freed = events.find((it) => it.type === 'job.queued')
      if (!freed) continue
      for (const parent of parents) {
        const lives = livesOf(parent).map(stretchOf)
        if (lives.some(({ from, to }) => from < freed.id && freed.id < to))
          yield `its event ${freed.seq} frees it while its parent ${parent.id.slice(-4)} lives`
      }
    }
    if (parents.some((it) => wasRetried(it) || it.goneAt !== null)) return
    const expected = parents.map(({ id, state, result }) => ({ jobId: id, state, result }))
    for (const { stint, parents: told } of journal.of(job.id)) {
      if (!isDeepStrictEqual(told, expected)) yield `stint ${stint} was told ${JSON.stringify(told)} of its parents`
    }
  }),

  'a job whose parent failed does what it was told to do then': ofEachJob(function* (job, { evidence, model }) {
    const parents = parentsOf(job, evidence)
    if (job.onParentFailure === 'run' || model.wasAsked('cancel', job.id) || [job, ...parents].some(wasRetried)) return
    if (parents.every((it) => it.state === 'succeeded') || job.error?.code === 'EXPIRED') return
    if (job.error?.code !== 'PARENT_FAILED') yield `a parent failed, and it is ${job.state} (${job.error?.code})`
    if (job.stint > 0) yield 'a parent failed, and it ran'
  }),

  *'every parent’s end was counted'({ evidence }) {
    for (const edge of evidence.edges) {
      if (!edge.settledAt && edge.goneAt === null)
        yield `job ${edge.childId.slice(-4)} was not told that ${edge.parentId.slice(-4)} ended`
    }
    for (const job of evidence.jobs) {
      const ran = job.stint > 0
      if (job.waitsFor < 0 || (ran && job.waitsFor !== 0)) yield `job ${job.id.slice(-4)} waits for ${job.waitsFor}`
    }
  },
}

const parentsOf = (job: JobEvidence, { edges, jobs }: Evidence): JobEvidence[] =>
  edges
    .filter((it) => it.childId === job.id)
    .flatMap(({ parentId }) => jobs.find((it) => it.id === parentId) ?? [])
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
