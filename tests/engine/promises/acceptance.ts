import type { JobError } from '../../../db/queries/jobs.ts'
import { StintError } from '../../../lib/core/errors.ts'
import { type JobEvidence, livesOf, sawWhenGone, stretchOf } from '../evidence.ts'
import { SCHEDULED } from '../scripted.ts'
import { mostAtOnce, ofEachJob, type Promised } from './known.ts'

/** What is promised to those who submit jobs. */
export const acceptance: Record<string, Promised> = {
  *'a job that was accepted is there, unless it was deleted'({ evidence, model }) {
    const stored = new Set(evidence.jobs.map((it) => it.id))
    const deleted = new Set([...model.deletions].map((it) => it.jobId))
    for (const id of model.accepted) if (!stored.has(id)) yield `job ${id.slice(-4)} is lost`
    for (const { id, goneAt } of evidence.jobs) {
      if (goneAt !== null && !model.pruned && !deleted.has(id)) yield `job ${id.slice(-4)} was deleted by nobody`
    }
  },

  'no job is deleted that a live one runs after': ofEachJob(function* ({ id, goneAt }, { evidence }) {
    if (goneAt === null) return
    const children = evidence.edges.filter((it) => it.parentId === id).map((it) => it.childId)
    for (const child of evidence.jobs.filter((it) => children.includes(it.id))) {
      if (livesOf(child).some((life) => stretchOf(life).from <= goneAt && goneAt < stretchOf(life).to))
        yield `it was deleted while its child ${child.id.slice(-4)} lived`
    }
  }),

  // A retry of that one which commits after the deletion has looked comes after it, whatever the numbers of their events say:
  // it finds what it would have found had it been asked for later.
  'no job is deleted while the one that submitted it lives': ofEachJob(function* (job, { evidence }) {
    const { goneAt, submittedBy } = job
    const submitter = goneAt === null ? undefined : evidence.jobs.find((it) => it.id === submittedBy)
    for (const life of submitter ? livesOf(submitter) : []) {
      const { from, to } = stretchOf(life)
      const begun = life.events[0]
      if (goneAt !== null && from <= goneAt && goneAt < to && begun && sawWhenGone(job, begun.xid))
        yield 'it was deleted while the one that submitted it lived'
    }
  }),

  *'a request is stored as a whole or not at all, and a refused one not at all'({ evidence, model }) {
    const stored = new Set(evidence.jobs.map((it) => it.id))
    for (const { request, prepared, answer } of model.sendings) {
      const count = prepared.filter((it) => stored.has(it.row.id)).length
      if (answer === 'refused' && count > 0) yield `${count} jobs of a refused request are there`
      const plain = prepared.every((it) => !it.idempotency && !it.unique)
      if (request.how === 'batch' && plain && count > 0 && count < prepared.length) {
        yield `${count} of ${prepared.length} jobs of a batch are there`
      }
      if (answer === 'accepted' && plain && count < prepared.length) yield 'an accepted request is not there'
    }
  },

  *'a request is refused only for a key that was used with another body, or a parent that was deleted'({
    evidence,
    model,
  }) {
    const gone = new Set(evidence.jobs.filter((it) => it.goneAt !== null).map((it) => it.id))
    const misused = [...model.byKey().values()].filter((sent) => new Set(sent.map((it) => it.bodyHash)).size > 1)
    const reasons = new Set(misused.flatMap((sent) => sent.map((it) => it.id)))
    for (const { prepared, answer, error } of model.sendings) {
      if (answer !== 'refused') continue
      const reused = error instanceof StintError && error.code === 'IDEMPOTENCY_KEY_REUSED'
      if (prepared.some(({ after }) => after.some((id) => gone.has(id)))) continue
      if (!reused || !prepared.some((it) => reasons.has(it.row.id))) yield `a request was refused: ${error}`
    }
  },

  *'an idempotency key stands for one job, whoever sends it however often'({ evidence, model }) {
    if (model.keysExpired) return
    const stored = new Set(evidence.jobs.map((it) => it.id))
    for (const [key, sent] of model.byKey()) {
      const made = sent.filter((it) => stored.has(it.id))
      if (made.length > 1) yield `${key} made ${made.length} jobs`
      const answers = new Set(sent.flatMap((it) => it.answer ?? []))
      if (answers.size > 1) yield `${key} was answered with ${answers.size} jobs`
    }
  },

  *'of a unique key there is one live job at a time'({ evidence, model }) {
    const lives = evidence.jobs.flatMap((job) => {
      const key = model.originOf(job.id)?.prepared.unique?.key
      return key === undefined
        ? []
        : livesOf(job).map((life) => ({ key: `${job.projectId} ${key}`, ...stretchOf(life) }))
    })
    for (const [key, ofKey] of Map.groupBy(lives, (it) => it.key)) {
      if (mostAtOnce(ofKey) > 1) yield `${mostAtOnce(ofKey)} jobs of the unique key ${key} lived at once`
    }
  },

  'a job that was replaced made room for another, in the same moment': ofEachJob(function* (job, { evidence, model }) {
    const keyOf = ({ id, projectId }: JobEvidence) => `${projectId} ${model.originOf(id)?.prepared.unique?.key}`
    for (const { data, xid, seq } of job.events) {
      if ((data['error'] as JobError | undefined)?.code !== 'REPLACED') continue
      const heirs = evidence.jobs.filter((it) => it.events[0]?.xid === xid && keyOf(it) === keyOf(job))
      if (heirs.length === 0) yield `its event ${seq} says that it was replaced, and nobody came`
    }
  }),

  'a job is what was asked for': ofEachJob(function* (job, { model }) {
    const origin = model.originOf(job.id)
    if (!origin && (job.submittedBy || job.name === SCHEDULED)) return
    if (!origin) return yield 'nobody asked for it'
    const { spec } = origin
    for (const field of ['kind', 'priority', 'maxAttempts', 'timeoutSeconds', 'onParentFailure', 'tags'] as const) {
      const asked = field === 'kind' || field === 'onParentFailure' ? [] : model.changesOf(job.id, field)
      if (![spec[field], ...asked].some((it) => String(job[field]) === String(it)))
        yield `its ${field} is ${job[field]} and not ${spec[field]}`
    }
  }),
}
