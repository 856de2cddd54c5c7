import { z } from 'zod'
import * as jobs from '../../db/queries/jobs.ts'
import type { App } from '../../lib/app.ts'
import { newId } from '../../lib/core/ids.ts'
import { defineJob, type JobKind, PermanentError, RetryLater } from '../../lib/jobs/define.ts'
import { execute } from '../../lib/jobs/execute.ts'
import type { Engine } from '../../lib/jobs/run-job.ts'
import { createThreads } from '../../lib/jobs/run-thread.ts'

/** Kinds that do what a test tells them. */
export const echo = defineJob({
  kind: 'test.echo',
  summary: 'Returns its input',
  input: z.object({ value: z.unknown() }),
  output: z.object({ value: z.unknown() }),
  async *run({ input }) {
    return { value: input.value }
  },
})

/** Counts to `to`, one safe point a number, and tells `tests` what happens. */
export const count = defineJob({
  kind: 'test.count',
  summary: 'Counts',
  input: z.object({ to: z.int() }),
  output: z.object({ counted: z.int() }),
  checkpoint: z.object({ at: z.int() }),
  async *run({ input, checkpoint, signal }) {
    for (let at = (checkpoint?.at ?? 0) + 1; at <= input.to; at++) {
      script.onCount(at, signal)
      yield { checkpoint: { at }, progress: at / input.to, partial: { at } }
    }
    return { counted: input.to }
  },
})

/** Throws what the test wants thrown. */
export const fail = defineJob({
  kind: 'test.fail',
  summary: 'Throws',
  input: z.object({ how: z.enum(['error', 'permanent', 'later']) }),
  output: z.null(),
  maxAttempts: 2,
  backoff: { baseSeconds: 10, capSeconds: 20 },
  async *run({ input }) {
    if (input.how === 'permanent') throw new PermanentError('NO_SUCH_THING', 'there is none')
    if (input.how === 'later') throw new RetryLater(30)
    throw new Error('it broke')
  },
})

/** Never passes a safe point, but doesn't block the process. */
export const hang = defineJob({
  kind: 'test.hang',
  summary: 'Hangs',
  input: z.object({}),
  output: z.null(),
  maxAttempts: 1,
  async *run() {
    await new Promise(() => {})
    return null
  },
})

/** What the test wants to happen inside its kinds. */
export const script = {
  onCount: (_at: number, _signal: AbortSignal): void => {},
}

export const testKinds: readonly JobKind[] = [echo, count, fail, hang]

/** An engine over the test's app that runs the test's kinds. */
export const createEngine = (app: App, kinds: readonly JobKind[] = testKinds): Engine => ({ app, kinds, threads })

const threads = createThreads(new URL('./engine-thread.ts', import.meta.url))

/** The project of jobs that are given no other; it has no row. */
export const PROJECT = '00000000-0000-7000-8000-000000000001'

/** Inserts jobs as a submission would. @returns their ids */
export const insertJobs = async (app: App, given: Partial<jobs.NewJob>[]): Promise<string[]> => {
  const rows = given.map((it) => ({
    id: newId(),
    projectId: PROJECT,
    createdBy: null,
    kind: 'test.echo',
    queue: 'default',
    name: null,
    priority: 0,
    tags: [],
    maxAttempts: 3,
    timeoutSeconds: 3_600,
    delaySeconds: 0,
    runAt: null,
    expiresInSeconds: null,
    expiresAt: null,
    input: '{"value":1}',
    waitsFor: 0,
    hasParents: false,
    hasChildren: false,
    onParentFailure: 'fail' as const,
    concurrencyKey: null,
    uniqueKey: null,
    traceparent: null,
    submittedBy: null,
    ...it,
  }))
  await jobs.insert(app.sql, rows)
  return rows.map((row) => row.id)
}

/** One invocation with `budget` claims and a function's time of `functionMs`. */
export const invoke = (engine: Engine, { budget = 100, functionMs = 30_000 } = {}): Promise<void> => {
  const end = performance.now() + functionMs
  return execute(engine, { queue: 'default', budget, remainingMs: () => end - performance.now() })
}
