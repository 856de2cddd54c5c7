import { availableParallelism, totalmem } from 'node:os'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { readMachine } from './machine.ts'

test('tells what this machine has, and how much of it is free', async () => {
  const folder = temporaryFolder()
  const machine = await readMachine(folder)
  expect(machine.cpus).toBe(availableParallelism())
  expect(machine.loadAverage).toHaveLength(3)
  expect(machine.memory.totalBytes).toBe(totalmem())
  for (const [free, total] of [
    [machine.memory.availableBytes, machine.memory.totalBytes],
    [machine.disk.freeBytes, machine.disk.totalBytes],
    [machine.cpuBusy, 1],
  ] as const) {
    expect(free).toBeGreaterThanOrEqual(0)
    expect(free).toBeLessThanOrEqual(total)
  }
  expect(machine.disk.freeBytes).toBeGreaterThan(0)
  expect(machine.uptimeSeconds).toBeGreaterThan(0)
})
