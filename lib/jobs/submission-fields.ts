import { z } from 'zod'
import { id, instant, label } from '../http/schemas.ts'
import { MAX_DELAY_SECONDS } from './define.ts'

/** What is said of a job, alone and in a batch, by people and by jobs. */
export const fields = {
  kind: z.string().max(100).meta({ description: 'One of GET /job-kinds.' }),
  input: z.unknown().meta({ description: 'What the kind declares as its input.' }),
  projectId: id.optional().meta({ description: 'By default your project `Personal`.' }),
  name: label(200).optional(),
  priority: z.int().min(-10).max(10).optional().meta({ description: 'The highest goes first; the default is 0.' }),
  delaySeconds: z
    .int()
    .min(0)
    .max(MAX_DELAY_SECONDS)
    .optional()
    .meta({ description: 'The job starts this much later, or after that.' }),
  runAt: instant.optional().meta({ description: 'The job starts then, or after that; instead of delaySeconds.' }),
  expiresInSeconds: z.int().min(1).max(MAX_DELAY_SECONDS).optional().meta({
    description: 'The job is cancelled if it has not started within this time. Once started, it never expires.',
  }),
  expiresAt: instant
    .optional()
    .meta({ description: 'The job is cancelled if it has not started by then; instead of expiresInSeconds.' }),
  maxAttempts: z.int().min(1).max(100).optional().meta({ description: 'By default the kind’s.' }),
  timeoutSeconds: z.int().min(1).max(2_592_000).optional().meta({
    description:
      'Running time over all stints, by default the kind’s. After that the job is told to stop, and 30 s later it is cut off.',
  }),
  tags: z
    .array(z.string().regex(/^[\w.:/-]{1,64}$/, 'expected 1–64 of letters, digits and _ . : / -'))
    .max(20)
    .optional(),
  onParentFailure: z.enum(['fail', 'run', 'skip']).optional().meta({
    description:
      'What happens if a job of `after` does not succeed: `fail` (default), `run` anyway, or `skip`: it is cancelled.',
  }),
  uniqueKey: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'At most one job of the project that has not ended has this key.' }),
  uniqueForSeconds: z
    .int()
    .min(0)
    .max(2_592_000)
    .optional()
    .meta({ description: 'Keeps the key for at least this long, even if the job ends earlier.' }),
  onDuplicate: z.enum(['return', 'replace']).optional().meta({
    description: 'If another job has the key: `return` that job (default), or `replace` it if it is still queued.',
  }),
}

/** What a caller says of a job. The kind's own numbers apply where it says nothing. */
export type Submission = Omit<z.output<z.ZodObject<typeof fields>>, 'projectId'>

/** Two fields that say the same, or one that means nothing without another. */
export const refuseContradictions = <
  T extends {
    delaySeconds?: number | undefined
    runAt?: string | undefined
    expiresInSeconds?: number | undefined
    expiresAt?: string | null | undefined
    uniqueKey?: string | undefined
    uniqueForSeconds?: number | undefined
  },
>(
  it: T,
  context: z.RefinementCtx,
): void => {
  if (it.delaySeconds !== undefined && it.runAt !== undefined) {
    context.addIssue({ code: 'custom', path: ['runAt'], message: 'give delaySeconds or runAt, not both' })
  }
  if (it.expiresInSeconds !== undefined && it.expiresAt !== undefined) {
    context.addIssue({ code: 'custom', path: ['expiresAt'], message: 'give expiresInSeconds or expiresAt, not both' })
  }
  if (it.uniqueForSeconds !== undefined && it.uniqueKey === undefined) {
    context.addIssue({ code: 'custom', path: ['uniqueForSeconds'], message: 'needs uniqueKey' })
  }
}

/** Room for a fan-in of every job that one batch can hold. */
export const MAX_PARENTS = 10_000

export const after = z.array(id).max(MAX_PARENTS).optional().meta({ description: 'Jobs that must end first.' })
