import { expect, test, vi } from 'vitest'
import { createKeyUses } from './key-uses.ts'

const stage = () => {
  const written: string[][] = []
  const warnings: string[] = []
  let nowMs = 0
  let broken = false
  const uses = createKeyUses({
    write: async (ids) => {
      if (broken) throw new Error('away')
      written.push(ids)
    },
    log: { warn: (_: unknown, message: string) => void warnings.push(message) } as never,
    now: () => nowMs,
  })
  return {
    uses,
    written,
    warnings,
    advance: (seconds: number) => {
      nowMs += seconds * 1_000
    },
    breakDown: (isBroken: boolean) => {
      broken = isBroken
    },
  }
}

test('keys that are used at about the same time are written together, each once', async () => {
  const { uses, written } = stage()
  for (const id of ['a', 'b', 'a', 'a', 'b']) uses.add(id)
  await uses.flush()
  await uses.flush()
  expect(written).toEqual([['a', 'b']])
})

test('a key is written once a minute at most', async () => {
  const { uses, written, advance } = stage()
  for (let second = 0; second < 150; second++) {
    uses.add('a')
    await uses.flush()
    advance(1)
  }
  expect(written).toEqual([['a'], ['a'], ['a']])
})

test('nobody need ask for the write', async () => {
  vi.useFakeTimers()
  const { uses, written } = stage()
  uses.add('a')
  await vi.advanceTimersByTimeAsync(5_000)
  expect(written).toEqual([['a']])
  vi.useRealTimers()
})

test('what could not be written is logged, and noted with the next use', async () => {
  const { uses, written, warnings, breakDown } = stage()
  breakDown(true)
  uses.add('a')
  await uses.flush()
  expect(warnings).toEqual(['the last use of API keys could not be written'])
  breakDown(false)
  uses.add('a')
  await uses.flush()
  expect(written).toEqual([['a']])
})
