import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'

/**
 * Lowers the priority of this process, of its threads too. On Linux each thread has its own (setpriority(2), "C
 * library/kernel differences"), and those in which V8 compiles and collects garbage are there before any code runs: with
 * their old one they would take the processors from others for tens of milliseconds at a time.
 *
 * @param niceness 1 to 19, the more the nicer
 */
export const beNice = (niceness: number): void => {
  for (const thread of threadsOf(process.pid)) setPriority(thread, niceness)
}

/** What a priority is set for: all threads on Linux, the process elsewhere. */
export const threadsOf = (pid: number): number[] =>
  process.platform === 'linux' ? readdirSync(`/proc/${pid}/task`).map(Number) : [pid]
