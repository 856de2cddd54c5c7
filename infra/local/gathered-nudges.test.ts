import { expect, onTestFinished, test, vi } from 'vitest'
import { gatherNudges } from './gathered-nudges.ts'

const gather = () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const told: string[] = []
  return { nudge: gatherNudges((functionName) => void told.push(functionName)), told }
}

test('the first nudges are told at once, each function once', async () => {
  const { nudge, told } = gather()
  for (const functionName of ['relay', 'sweep', 'relay']) nudge(functionName)
  await vi.advanceTimersByTimeAsync(0)
  expect(told).toEqual(['relay', 'sweep'])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toEqual(['relay', 'sweep'])
})

test('those that come in the next moment are told together, and none is lost', async () => {
  const { nudge, told } = gather()
  nudge('relay')
  await vi.advanceTimersByTimeAsync(1)
  for (let n = 0; n < 100; n++) nudge('relay')
  await vi.advanceTimersByTimeAsync(14)
  nudge('sweep')
  expect(told).toEqual(['relay'])
  await vi.advanceTimersByTimeAsync(5)
  expect(told).toEqual(['relay', 'relay', 'sweep'])
  nudge('relay')
  await vi.advanceTimersByTimeAsync(19)
  expect(told).toHaveLength(3)
  await vi.advanceTimersByTimeAsync(1)
  expect(told).toEqual(['relay', 'relay', 'sweep', 'relay'])
})

test('after a quiet moment a nudge is told at once again', async () => {
  const { nudge, told } = gather()
  nudge('relay')
  await vi.advanceTimersByTimeAsync(50)
  nudge('relay')
  await vi.advanceTimersByTimeAsync(0)
  expect(told).toEqual(['relay', 'relay'])
})
