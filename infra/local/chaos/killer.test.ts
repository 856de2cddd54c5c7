import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startKiller } from './killer.ts'
import { createRandom } from './random.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const victimsOf = (names: string[]) => {
  const killed: string[] = []
  return { killed, victims: names.map((name) => ({ kill: () => void killed.push(name) })) }
}

test('kills one after the other, and everybody may be hit', () => {
  const { killed, victims } = victimsOf(['a', 'b', 'c'])
  const killer = startKiller(createRandom(5))
  for (const victim of victims) killer.started(victim)
  vi.advanceTimersByTime(300_000)
  expect(killed.length).toBeGreaterThanOrEqual(25)
  expect(killed.length).toBeLessThanOrEqual(100)
  expect(new Set(killed)).toEqual(new Set(['a', 'b', 'c']))
  killer.stop()
})

test('who has ended is not killed, and nobody after it was stopped', () => {
  const { killed, victims } = victimsOf(['a', 'b'])
  const killer = startKiller(createRandom(5))
  for (const victim of victims) killer.started(victim)
  for (const victim of victims.slice(0, 1)) killer.ended(victim)
  vi.advanceTimersByTime(60_000)
  expect(new Set(killed)).toEqual(new Set(['b']))
  const before = killed.length
  killer.stop()
  vi.advanceTimersByTime(60_000)
  expect(killed).toHaveLength(before)
})
