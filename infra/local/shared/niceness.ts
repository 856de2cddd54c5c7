import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'

/**
 * Lowers the priority of this process and its threads. On Linux each thread has its own (setpriority(2), "C library/kernel
 * differences"), and V8's threads for compiling and garbage collection exist before any code runs: with their old priority they
 * would take the processors from others for tens of milliseconds at a time.
 *
 * @param niceness 1 to 19; 19 is the lowest priority
 */
export const beNice = (niceness: number): void => {
  for (const thread of threadsOf(process.pid)) setPriority(thread, niceness)
}

/** What a priority is set for: all threads on Linux, the process elsewhere. */
export const threadsOf = (pid: number): number[] =>
  process.platform === 'linux' ? readdirSync(`/proc/${pid}/task`).map(Number) : [pid]
