import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { runInShortestStints, runKind } from './run-kind.ts'

test('a kind whose safe points have no checkpoint is said to make no way, and not run for ever', async () => {
  const forgetful = defineJob({
    kind: 'test.forgetful',
    summary: 'Counts, and forgets how far it was',
    input: z.object({}),
    output: z.object({ counted: z.int() }),
    async *run() {
      for (let step = 1; step <= 3; step++) yield { progress: step / 3 }
      return { counted: 3 }
    },
  })
  expect(await runKind(forgetful, { input: {} })).toMatchObject({ result: { counted: 3 } })
  await expect(runInShortestStints(forgetful, { input: {} })).rejects.toThrow(
    'test.forgetful makes no way: after stint 1 its checkpoint is what it was before',
  )
})

test('a kind is given the parents that its test says', async () => {
  const sum = defineJob({
    kind: 'test.sum',
    summary: 'Adds up',
    input: z.object({}),
    output: z.number(),
    async *run({ parents }) {
      return parents.reduce((all, { result }) => all + Number(result), 0)
    },
  })
  const parent = { jobId: 'a', name: null, kind: 'test.number', state: 'succeeded' } as const
  const parents = [1, 2].map((result) => ({ ...parent, result }))
  expect(await runKind(sum, { input: {}, context: { parents } })).toMatchObject({ result: 3 })
})
