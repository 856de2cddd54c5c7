import type { QueueName } from '../queue/doorbells.ts'
import type { JobKind } from './define.ts'

/**
 * About how much memory the inputs and checkpoints of one invocation's jobs may take: what a function has left for them.
 * Five hundred checkpoints may be half a gigabyte, and all of those jobs would go down with their process.
 */
export const MAX_HELD_BYTES = 32 * 1024 * 1024

export interface ClaimWish {
  queue: QueueName
  /** At most this many jobs. */
  limit: number
  /** What those may hold together, about; one is claimed whatever it holds. */
  bytes?: number
  /** Kinds that may run more jobs here, and how many more each. */
  free: { kind: JobKind; slots: number }[]
  /**
   * Whose turn it is. `anyone`: the invocation has run nothing, so that it may take a suspect, which then runs alone.
   * `suspects`: it has run nothing but suspects. `others`: it may take none.
   */
  turn: 'anyone' | 'suspects' | 'others'
  /** Nobody rang: one look is enough, even if it doesn't get to every project. */
  glance?: boolean
}

/** Two leases lost in a row without progress: the next may take its process with it again. */
export const isSuspect = (job: { crashes: number }): boolean => job.crashes >= 2
