import { readFile, statfs } from 'node:fs/promises'
import { availableParallelism, cpus, freemem, loadavg, totalmem, uptime } from 'node:os'

/** The machine that answers, or on Lambda its small virtual one. */
export interface Machine {
  cpus: number
  /** Processes that ran or wanted to, on average over 1, 5 and 15 minutes. */
  loadAverage: [number, number, number]
  /** The part of all CPUs' time that was used since it was last asked for, 0 to 1. */
  cpuBusy: number
  memory: { totalBytes: number; availableBytes: number }
  /** Of the disk that the stage writes to. */
  disk: { totalBytes: number; freeBytes: number }
  uptimeSeconds: number
}

/** @param folder on the disk that is looked at */
export const readMachine = async (folder: string): Promise<Machine> => {
  const [availableBytes, { bsize, blocks, bavail }] = await Promise.all([availableMemory(), statfs(folder)])
  const [one = 0, five = 0, fifteen = 0] = loadavg()
  return {
    cpus: availableParallelism(),
    loadAverage: [one, five, fifteen],
    cpuBusy: busy(),
    memory: { totalBytes: totalmem(), availableBytes },
    disk: { totalBytes: bsize * blocks, freeBytes: bsize * bavail },
    uptimeSeconds: Math.floor(uptime()),
  }
}

/** Below it the clock of the CPUs' times is too coarse. */
const MIN_SAMPLE_MS = 500

let sample = { atMs: Number.NEGATIVE_INFINITY, used: 0, total: 0 }
let lastBusy = 0

const busy = (): number => {
  const atMs = performance.now()
  if (atMs - sample.atMs < MIN_SAMPLE_MS) return lastBusy
  const times = cpus().map((cpu) => cpu.times)
  const total = times.reduce((sum, it) => sum + it.user + it.nice + it.sys + it.irq + it.idle, 0)
  const used = total - times.reduce((sum, it) => sum + it.idle, 0)
  if (total > sample.total) lastBusy = Math.min(1, Math.max(0, (used - sample.used) / (total - sample.total)))
  sample = { atMs, used, total }
  return lastBusy
}

/** What programs can still get. Linux keeps files in what `freemem` doesn't count, and gives it away when asked. */
const availableMemory = async (): Promise<number> => {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '')
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1]
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1_024
}
