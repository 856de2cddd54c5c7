import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineJob, listKinds } from './define.ts'

const nothing = { summary: 'Does nothing', input: z.object({}), output: z.object({}) }
/** As Node runs it, which looks at no types. */
const untyped = (declared: object) =>
  defineJob({ kind: 'test.nothing', ...nothing, async *run() {}, ...declared } as unknown as Parameters<
    typeof defineJob
  >[0])

test.for([
  [{ queue: 'defualt' }, 'queue must be one of default, compute, bulk, and not defualt'],
  [{ isolation: 'threads' }, 'isolation must be one of shared, thread, and not threads'],
  [{ run: async () => ({}) }, 'run must be an async generator, `async *run(…)`'],
  [{ maxAttemps: 5 }, 'Unrecognized key: "maxAttemps"'],
  [{ limits: { runing: 1 } }, 'limits: Unrecognized key: "runing"'],
  // Its jobs waited for ever, and nobody was told why.
  [{ concurrency: 0 }, 'concurrency: Too small: expected number to be >=1'],
  [{ limits: { running: 0 } }, 'limits.running: Too small: expected number to be >=1'],
  [{ limits: { rate: { starts: 1, perSeconds: 0 } } }, 'limits.rate.perSeconds: Too small: expected number to be >0'],
  [{ timeoutSeconds: '60' }, 'timeoutSeconds: must be a number, not "60"'],
  [{ backoff: { baseSeconds: 1 } }, 'backoff.capSeconds: is needed'],
  [{ backoff: { baseSeconds: Number.NaN, capSeconds: 1 } }, 'backoff.baseSeconds: must be a number, not NaN'],
  [{ output: undefined }, 'output: must be a schema of zod’s'],
  [{ checkpoint: { at: 1 } }, 'checkpoint: must be a schema of zod’s'],
  [{ *run() {} }, 'run must be an async generator, `async *run(…)`'],
] as const)('a kind with %o is refused by its name', ([declared, complaint]) => {
  expect(() => untyped(declared)).toThrow(`The kind test.nothing: ${complaint}`)
})

test('two kinds of one name are refused: which of them a job is would be a matter of who looks', () => {
  const other = untyped({ kind: 'test.other' })
  expect(() => listKinds([untyped({}), other, untyped({})])).toThrow('Two kinds are named test.nothing')
  expect(listKinds([untyped({}), other])).toHaveLength(2)
})
