import { expect, onTestFinished, test, vi } from 'vitest'
import { gatherNudges } from './gathered-nudges.ts'

const gather = () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const told: string[] = []
  return { nudge: gatherNudges((functionName) => void told.push(functionName)), told }
}

test('those that come in a moment are told together at its end, each function once', async () => {
  const { nudge, told } = gather()
  nudge('relay')
  await vi.advanceTimersByTimeAsync(19)
  for (const functionName of ['relay', 'sweep', 'relay']) nudge(functionName)
  expect(told).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(told).toEqual(['relay', 'sweep'])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toEqual(['relay', 'sweep'])
})

test('those that come without end are told each 20 ms, and none is lost', async () => {
  const { nudge, told } = gather()
  for (let ms = 0; ms < 100; ms++) {
    nudge('relay')
    await vi.advanceTimersByTimeAsync(1)
  }
  expect(told).toEqual(Array(5).fill('relay'))
  nudge('sweep')
  await vi.advanceTimersByTimeAsync(20)
  expect(told.at(-1)).toBe('sweep')
})
