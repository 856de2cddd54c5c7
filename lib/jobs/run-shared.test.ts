import { expect } from 'vitest'
import { z } from 'zod'
import type { ClaimedJob } from '../../db/queries/claims.ts'
import { test } from '../../tests/support/world.ts'
import { sharedContext } from './context.ts'
import { defineJob } from './define.ts'
import { runShared } from './run-shared.ts'
import { Stint } from './stint.ts'

test('a job whose durable safe point cannot be saved cleans up before it is tried again', async ({
  world: { app },
}) => {
  const cleaned = Promise.withResolvers<string>()
  const kind = defineJob({
    kind: 'test.tidy',
    summary: 'Cleans up',
    input: z.object({}),
    output: z.null(),
    async *run() {
      try {
        yield { durable: true }
      } finally {
        cleaned.resolve('cleaned up')
      }
      return null
    },
  })
  const job = { id: '', projectId: '', stint: 1, attempt: 1, runMs: 0, timeoutSeconds: 60 } as ClaimedJob
  const stint = new Stint(job, kind, { totalMs: 900_000, remainingMs: () => 900_000 })
  const away = new Error('Postgres is away')
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const given = { input: {}, checkpoint: undefined, parents: [], log, submit: () => Promise.reject(away) }
  await expect(runShared(stint, sharedContext(app, stint, given), () => Promise.reject(away))).rejects.toBe(away)
  await expect(Promise.race([cleaned.promise, new Promise(setImmediate)])).resolves.toBe('cleaned up')
})

test('a job whose durable safe point cannot be saved while Postgres is away goes on from it, and spends no attempt', async ({
  world: { app },
}) => {
  const kind = defineJob({
    kind: 'test.durable',
    summary: 'Saves',
    input: z.object({}),
    output: z.null(),
    checkpoint: z.object({ at: z.int() }),
    async *run() {
      yield { checkpoint: { at: 1 }, durable: true }
      return null
    },
  })
  const job = { id: 'a', projectId: '', stint: 1, attempt: 1, runMs: 0, timeoutSeconds: 60 } as ClaimedJob
  const stint = new Stint(job, kind, { totalMs: 900_000, remainingMs: () => 900_000 })
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const given = { input: {}, checkpoint: undefined, parents: [], log, submit: () => Promise.resolve('') }
  const away = Object.assign(new Error('it broke'), { code: 'CONNECTION_CLOSED' })
  const outcome = await runShared(stint, sharedContext(app, stint, given), () => Promise.reject(away))
  expect(outcome).toMatchObject({ ending: 'yielded', checkpoint: '{"at":1}' })
})
