import { createHash } from 'node:crypto'
import { stringify } from 'safe-stable-stringify'
import { z } from 'zod'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { invalidField, StintError } from '../../lib/core/errors.ts'
import { id } from '../../lib/http/schemas.ts'
import { type Prepared, prepare } from '../../lib/jobs/prepare.ts'
import { refuseCycles } from '../../lib/jobs/refuse-cycles.ts'
import { after, fields, MAX_PARENTS, refuseContradictions } from '../../lib/jobs/submission-fields.ts'
import type { TraceContext } from '../../lib/tracing/trace-context.ts'
import { kinds } from '../jobs/index.ts'
import { defaultProject, requireRole } from './access.ts'

export const submission = z
  .strictObject({ ...fields, after })
  .superRefine(refuseContradictions)
  .meta({ id: 'Submission', example: { kind: 'math.pi', input: { digits: 1_000 } } })

export const idempotencyKey = z
  .string()
  .regex(/^[!-~]{1,200}$/, 'expected 1–200 printable ASCII characters without spaces')

export const batchItem = z
  .strictObject({
    ...fields,
    idempotencyKey: idempotencyKey.optional(),
    after: z
      .array(z.union([id, z.string().regex(/^\$./, 'expected a job id, or $name of a sibling')]))
      .max(MAX_PARENTS)
      .optional()
      .meta({ description: 'Jobs that must end first: ids, or `$name` for the job of that name in this batch.' }),
  })
  .superRefine(refuseContradictions)
  .meta({ id: 'BatchItem', example: { kind: 'math.pi', input: { digits: 1_000 } } })

type Item = z.output<typeof batchItem>

/** Checks the actor's role in each project, and every submission against its kind. */
export const prepareAll = async (
  app: App,
  actor: Actor,
  items: Item[],
  pathOf: (index: number) => string,
  trace: TraceContext | undefined,
): Promise<Prepared[]> => {
  const own = items.some((item) => item.projectId === undefined) ? await defaultProject(app, actor) : ''
  for (const projectId of new Set(items.map((item) => item.projectId ?? own))) {
    const first = items.findIndex((item) => (item.projectId ?? own) === projectId)
    await requireRole(app, actor, projectId, 'maintainer').catch(naming(`${under(pathOf(first))}projectId`))
  }
  const prepared = items.map((item, index) =>
    prepare(kinds, item, { projectId: item.projectId ?? own, createdBy: actor.userId, trace }, pathOf(index)),
  )
  resolveParents(items, prepared, pathOf)
  return prepared
}

/** The prefix for the names of a submission's fields: `jobs[3].`, or nothing. */
const under = (path: string): string => (path ? `${path}.` : '')

/** Adds the path of the refused submission to an error about its project. */
const naming =
  (path: string) =>
  (error: unknown): never => {
    if (!(error instanceof StintError)) throw error
    throw new StintError(error.code, error.message, { errors: [{ path, message: error.message }], cause: error })
  }

/** The key with a hash of the request it is for: route and body, whatever the order of its fields. */
export const idempotencyOf = (key: string, route: string, body: unknown): { key: string; bodyHash: string } => ({
  key,
  bodyHash: createHash('sha256')
    .update(`${route} ${stringify(body)}`)
    .digest('hex'),
})

/** The `Idempotency-Key` header. @throws {StintError} VALIDATION_FAILED */
export const readIdempotencyKey = (headers: Record<string, string | undefined>): string | undefined => {
  const given = headers['idempotency-key']
  if (given === undefined) return undefined
  const parsed = idempotencyKey.safeParse(given)
  if (parsed.success) return parsed.data
  throw invalidField('Idempotency-Key', parsed.error.issues[0]?.message ?? '')
}

/** Turns `after` into ids, `$name` being the one sibling of that name. @throws {StintError} VALIDATION_FAILED */
const resolveParents = (items: Item[], prepared: Prepared[], pathOf: (index: number) => string): void => {
  if (items.every((item) => !item.after)) return
  const byName = Map.groupBy(prepared, (it) => it.row.name)
  for (const [index, item] of items.entries()) {
    const it = prepared[index]
    if (!item.after || !it) continue
    const ids = item.after.map((parent, nth) => {
      if (!parent.startsWith('$')) return parent
      const siblings = byName.get(parent.slice(1)) ?? []
      const [sibling] = siblings
      const path = `${under(pathOf(index))}after[${nth}]`
      if (!sibling) throw invalidField(path, `no job of the batch is named ${parent.slice(1)}`)
      if (siblings.length > 1)
        throw invalidField(path, `${siblings.length} jobs of the batch are named ${parent.slice(1)}`)
      return sibling.row.id
    })
    it.after = [...new Set(ids)]
  }
  refuseCycles(prepared)
}
