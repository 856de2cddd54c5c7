import { expect, test } from 'vitest'
import { createIdleWorkers } from './idle-workers.ts'
import type { Worker } from './worker.ts'

const workerOf = (name: string, isUsable = true): Worker => ({ name, isUsable: () => isUsable }) as Worker

/** Idle workers, each added a second after the one before, and what time it is then. */
const idleOf = (workers: Worker[]) => {
  let nowMs = 0
  const idle = createIdleWorkers(() => nowMs)
  for (const worker of workers) {
    idle.add(worker)
    nowMs += 1_000
  }
  return idle
}

test('the one that was used last is taken first, but for those that cannot be used', () => {
  const idle = idleOf([workerOf('a'), workerOf('b'), workerOf('c', false)])
  expect(idle.take()?.name).toBe('b')
  expect(idle.take()?.name).toBe('a')
  expect(idle.take()).toBeUndefined()
  expect(idle.count).toBe(1)
})

test('surplus are those that were unused for long enough, but the last', () => {
  const idle = idleOf([workerOf('a'), workerOf('b'), workerOf('c')])
  expect(idle.takeSurplus(2_000)?.name).toBe('a')
  expect(idle.takeSurplus(2_000)?.name).toBe('b')
  expect(idle.takeSurplus(0)).toBeUndefined()
  expect(idle.count).toBe(1)
})

test('one that died is removed, wherever it stands, and nobody else', () => {
  const [first, second] = [workerOf('a'), workerOf('b')]
  const idle = idleOf([first, second])
  idle.remove(first)
  idle.remove(first)
  expect([idle.has(first), idle.has(second), idle.count]).toEqual([false, true, 1])
})
