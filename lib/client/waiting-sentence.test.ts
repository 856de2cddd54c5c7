import { expect, test } from 'vitest'
import { type WaitingBecause, waitingSentence } from './waiting-sentence.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
const sentenceOf = (because: WaitingBecause) => waitingSentence(because, NOW, (ms) => `${ms / 1_000} s`)
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString()

test('a job that waits says when it may start, unless that time has passed', () => {
  const behind = { reason: 'behind', jobs: 0 } as const
  const sentences = [30, 0, -5].map((seconds) => sentenceOf({ ...behind, expectedStartAt: at(seconds) }))
  expect(sentences).toEqual(['It is next. It may start in 30 s.', 'It is next.', 'It is next.'])
  expect(sentenceOf({ ...behind, expectedStartAt: null })).toBe('It is next.')
})

test('a job that is due is due now, however long ago that was', () => {
  const told = (reason: 'delayed' | 'retry', seconds: number) => sentenceOf({ reason, until: at(seconds) })
  expect([told('delayed', 90), told('delayed', -5), told('retry', -5)]).toEqual([
    'It is due in 90 s.',
    'It is due now.',
    'It runs again now.',
  ])
})

test('a job that a limit holds back says which one, and takes no rate for a number that may run at once', () => {
  const sentences = (['kind', 'key', 'rate'] as const).map((of) =>
    sentenceOf({
      reason: 'limit',
      limit: of === 'kind' ? 3 : 1,
      of,
      ...(of === 'key' && { key: 'example.com' }),
      expectedStartAt: null,
    }),
  )
  expect(sentences).toEqual([
    'Its kind has reached its limit of 3 jobs at once.',
    'Its key “example.com” has reached its limit of 1 job at once.',
    'Its kind has reached its rate limit.',
  ])
})

test('a job of a kind that was removed says that it waits in vain', () => {
  expect(sentenceOf({ reason: 'unknown-kind', kind: 'page.print', expectedStartAt: null })).toBe(
    'There is no kind page.print any more, so nobody runs it.',
  )
})

test('a job behind others says how many those are', () => {
  const behind = (jobs: number) => sentenceOf({ reason: 'behind', jobs, expectedStartAt: null })
  expect([behind(1), behind(20)]).toEqual(['1 job is ahead of it.', '20 jobs are ahead of it.'])
})
