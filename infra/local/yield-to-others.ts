import { readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../lib/core/log.ts'

const AUTOGROUP = '/proc/self/autogroup'
/** One who isn't root may change an autogroup each 100 ms, and so may all others together. */
const PAUSE_MS = 150
const TRIES = 5

/**
 * Where processors are scarce, this process gets what others leave. On Linux a process's niceness counts only within its
 * session, and sessions share the processors equally (sched(7), "The autogroup feature"): so it must lead a session of
 * its own, which is made nice, too.
 */
export const yieldToOthers = async (niceness: number, log: Logger): Promise<void> => {
  setPriority(niceness)
  if (process.platform !== 'linux' || !leadsItsSession()) return
  for (let tries = 1; ; tries++) {
    try {
      return writeFileSync(AUTOGROUP, String(niceness))
    } catch (error) {
      const isBusy = (error as NodeJS.ErrnoException).code === 'EAGAIN'
      // A kernel without autogroups has no such file: there the niceness counts everywhere.
      if (!isBusy || tries === TRIES) return log.debug({ err: error }, 'the niceness counts within this session only')
      await sleep(PAUSE_MS)
    }
  }
}

/** "pid (name) state ppid pgrp session …", where the name may hold anything. */
const leadsItsSession = (): boolean =>
  Number(readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ')[3]) === process.pid
