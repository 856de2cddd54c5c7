import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningProcess } from '../infra/local/supervisor/run-file.ts'
import { readUsage, watchUsage } from './usage.ts'

/** What a system takes while it has nothing to do. */
export const measureIdle = async (run: () => readonly RunningProcess[], idleMs: number) => {
  const usage = watchUsage(run)
  await sleep(idleMs)
  const { cpuSeconds } = usage.stop()
  const spent = cpuSeconds.values().reduce((sum, seconds) => sum + seconds, 0)
  return { memoryMb: readUsage(run()).memoryMb, cpuSecondsPerMinute: (spent / idleMs) * 60_000 }
}
