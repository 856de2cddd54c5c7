import type { JobEvidence } from '../evidence.ts'
import { ALL_KEY, partKey, stintTag } from '../scripted.ts'
import { ofEachJob, type Promised } from './known.ts'

/** What a job is promised that submits others. They have the names of their keys. */
export const submissions: Record<string, Promised> = {
  'a job submits one job for each key, and once more for each time that it begins from the start': ofEachJob(function* (
    job,
    { evidence, model },
  ) {
    const own = submittedBy(evidence.jobs, job)
    const begun = model.asks.filter(
      (it) => it.jobId === job.id && it.what === 'retry from the start' && it.answer !== 'refused',
    ).length
    for (const [name, ofKey] of Map.groupBy(own, (it) => it.name)) {
      if (ofKey.length > 1 + begun) yield `the key ${name} made ${ofKey.length} jobs`
    }
    if (own.length > 0 && !job.input.submits) yield `it submitted ${own.length} jobs, and was not to`
    if (own.some((it) => it.projectId !== job.projectId)) yield 'what it submitted is of another project'
  }),

  'what a job said that it submitted before it succeeded is there': ofEachJob(function* (job, { evidence }) {
    if (job.state !== 'succeeded' || !job.input.submits) return
    const own = submittedBy(evidence.jobs, job)
    const parts = Array.from({ length: job.input.points }, (_, index) => partKey(index + 1))
    for (const name of [...parts, ALL_KEY]) if (!own.some((it) => it.name === name)) yield `${name} is lost`
    const last = own.findLast((it) => it.name === ALL_KEY)
    const parents = evidence.edges.filter((it) => it.childId === last?.id).map((it) => it.parentId)
    const names = own.filter((it) => parents.includes(it.id)).map((it) => it.name)
    if (names.toSorted().join() !== parts.toSorted().join()) yield `its last one runs after ${names}, not ${parts}`
  }),

  'a job is submitted by the stint that holds the job which submits it': ofEachJob(function* (job, { evidence }) {
    const submitter = evidence.jobs.find((it) => it.id === job.submittedBy)
    if (!submitter) return
    const began = submitter.events.find(
      (it) => it.type === 'job.started' && job.tags.includes(stintTag(Number(it.data['stint']))),
    )
    const ended = submitter.events.find(
      (it) => began && it.seq > began.seq && !['job.progressed', 'job.cancelling'].includes(it.type),
    )
    const at = job.events[0]?.id ?? 0
    if (!began || at < began.id || at > (ended?.id ?? Number.POSITIVE_INFINITY))
      yield `it was submitted by ${job.tags}, which did not hold ${submitter.id.slice(-4)} then`
  }),
}

const submittedBy = (jobs: JobEvidence[], { id }: JobEvidence): JobEvidence[] =>
  jobs.filter((it) => it.submittedBy === id)
