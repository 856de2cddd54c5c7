import { createHash } from 'node:crypto'
import type { JobKind } from '../../lib/jobs/define.ts'
import { prepare } from '../../lib/jobs/prepare.ts'
import type { Model, Request, Sending } from './model.ts'
import type { JobSpec } from './moves.ts'

const PROJECTS = ['00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-00000000000b']

const projectOf = ({ project }: JobSpec): string => PROJECTS[project] ?? ''

/** Makes a request of what a move says: the jobs that it names by number become ids that people know. */
export const newRequest = (model: Model, how: Request['how'], specs: JobSpec[], keys: Request['keys']): Request => ({
  how,
  specs,
  keys,
  parents: specs.map((spec) => {
    const known = model.acceptedIn(projectOf(spec))
    return spec.after.flatMap((nth) => known[nth % Math.max(1, known.length)] ?? [])
  }),
})

/** Sends it once: prepares its jobs as the API does. */
export const newSending = (model: Model, kinds: readonly JobKind[], request: Request, sentMs: number): Sending => {
  const prepared = request.specs.map((spec, index) => {
    const it = prepare(kinds, { ...submissionOf(spec), name: `job ${index}` }, owner(spec))
    const key = request.keys[index]
    if (key) it.idempotency = { key, bodyHash: hashOf([spec, request.parents[index]]) }
    return it
  })
  for (const [index, spec] of request.specs.entries()) {
    const siblings = request.specs.slice(0, index).flatMap((other, at) => (other.project === spec.project ? [at] : []))
    const named = request.how === 'batch' ? spec.afterSiblings : []
    const ids = named.flatMap((nth) => prepared[siblings[nth % Math.max(1, siblings.length)] ?? -1]?.row.id ?? [])
    const it = prepared[index]
    if (it) it.after = [...new Set([...(request.parents[index] ?? []), ...ids])]
  }
  const sending: Sending = { request, prepared, sentMs, answer: 'unknown', submitted: [], error: undefined }
  model.sendings.push(sending)
  return sending
}

const owner = (spec: JobSpec) => ({ projectId: projectOf(spec), createdBy: null })

const submissionOf = ({ kind, script, unique, ...spec }: JobSpec) => ({
  kind,
  input: script,
  priority: spec.priority,
  delaySeconds: spec.delaySeconds,
  ...(spec.expiresAfterSeconds !== null && { expiresInSeconds: spec.delaySeconds + spec.expiresAfterSeconds }),
  maxAttempts: spec.maxAttempts,
  timeoutSeconds: spec.timeoutSeconds,
  tags: spec.tags,
  onParentFailure: spec.onParentFailure,
  ...(unique && { uniqueKey: unique.key, uniqueForSeconds: unique.forSeconds, onDuplicate: unique.onDuplicate }),
})

const hashOf = (body: unknown): string => createHash('sha256').update(JSON.stringify(body)).digest('hex')
