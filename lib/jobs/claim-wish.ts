import type { QueueName } from '../queue/doorbells.ts'
import type { JobKind } from './define.ts'

/**
 * About how much memory the inputs and checkpoints of one invocation's jobs may take: what a function has left for them.
 * Five hundred checkpoints may be half a gigabyte, and all of those jobs would go down with their process.
 */
export const MAX_HELD_BYTES = 32 * 1024 * 1024

/** What an invocation can run just now, for a claim to fill. */
export interface ClaimWish {
  queue: QueueName
  /** At most this many jobs. */
  limit: number
  /** What those may hold together, about; one is claimed whatever it holds. */
  bytes?: number
  /** Kinds that may run more jobs here, and how many more each. */
  free: { kind: JobKind; slots: number }[]
  /**
   * Whether it may be a suspect, which is then claimed alone. `either`: a suspect or other jobs, which of them first is left to
   * chance, since the invocation has run nothing yet. `first`: a suspect if there is one, since it has run nothing else. `never`:
   * it has run other jobs, which a suspect might take down with it.
   */
  suspects: 'either' | 'first' | 'never'
  /** Nobody rang: one statement is enough, even if it doesn't get to every project. */
  singlePass?: boolean
}

/** How much of it is left. */
export interface Room {
  jobs: number
  bytes: number
}

/**
 * A suspect may be a poison job, one that kills the process that runs it: its last two leases were lost without progress. It
 * runs alone, so that it can take no other job with it. If its third lease is lost too, it fails with the code CRASHED.
 */
export const isSuspect = (job: { crashes: number }): boolean => job.crashes >= 2

export const bytesOf = (jobs: Iterable<{ bytes: number }>): number => {
  let sum = 0
  for (const job of jobs) sum += job.bytes
  return sum
}
