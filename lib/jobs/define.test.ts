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
  [{ *run() {} }, 'run must be an async generator, `async *run(…)`'],
] as const)('a kind with %o is refused by its name', ([declared, complaint]) => {
  expect(() => untyped(declared)).toThrow(`The kind test.nothing: ${complaint}`)
})

test('two kinds of one name are refused: which of them a job is would be a matter of who looks', () => {
  const other = untyped({ kind: 'test.other' })
  expect(() => listKinds([untyped({}), other, untyped({})])).toThrow('Two kinds are named test.nothing')
  expect(listKinds([untyped({}), other])).toHaveLength(2)
})
