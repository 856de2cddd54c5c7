import { expect, test } from 'vitest'
import type { JobToSubmit } from '../../lib/jobs/define.ts'
import { runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { wordsCount } from './words-count.ts'

test('counts the words of each text, and shows how far it is', async () => {
  const { safePoints, result } = await runKind(wordsCount, { input: { texts: ['one two', 'three'] } })
  expect(result).toEqual({ words: [2, 1] })
  expect(safePoints.map(({ progress }) => progress)).toEqual([0.5, 1])
})

test('comes to the same when it is stopped at each safe point, and sends its mail', async () => {
  const submitted: JobToSubmit[] = []
  const submit = async (_key: string, job: JobToSubmit) => `job ${submitted.push(job)}`
  const input = { texts: ['one two', 'three'], to: 'ada@example.com' }
  const ending = await runInShortestStints(wordsCount, { input, context: { submit } })
  expect(ending).toEqual({ stints: 3, result: { words: [2, 1] } })
  expect(submitted).toMatchObject([{ kind: 'mail.send', input: { text: '3 words.' } }])
})
