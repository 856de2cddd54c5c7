import type { MessagePort } from 'node:worker_threads'
import type { JobToSubmit, Parent, SafePoint } from './define.ts'
import type { SerializedError } from './thrown.ts'

/** A job as it is handed to a thread. */
export interface ThreadTask {
  kind: string
  job: { id: string; projectId: string; attempt: number; stint: number }
  input: unknown
  checkpoint: unknown
  parents: readonly Parent[]
  /** Two 32-bit integers both sides see without a message: see {@link SHARED}. */
  shared: SharedArrayBuffer
  port: MessagePort
}

/** Places in the shared memory. */
export const SHARED = {
  /** 0: go on. 1: stop at the next safe point. */
  STOP: 0,
  /** The longest gap between two safe points so far, in milliseconds. */
  LONGEST_GAP: 1,
} as const

/** Messages from a thread while it runs. */
export type FromThread =
  /** It has taken the job up. By {@link monotonicMs}. */
  | { type: 'began'; atMs: number }
  | { type: 'point'; point: SafePoint<unknown>; durable: boolean }
  | {
      type: 'log'
      level: 'debug' | 'info' | 'warn' | 'error'
      message: string
      data: Record<string, unknown> | undefined
    }
  /** Answered by `submitted` or `refused` with the same `nth`. */
  | { type: 'submit'; nth: number; key: string; job: JobToSubmit }

/** Messages to a thread while it runs. */
export type ToThread =
  /** Its job's signal is to abort. A thread that computes hears of it by {@link SHARED}. */
  | { type: 'abort' }
  /** Its durable safe point is saved; or not, and it is to stop. */
  | { type: 'saved' }
  | { type: 'submitted'; nth: number; jobId: string }
  | { type: 'refused'; nth: number; error: SerializedError }

/** How a thread's stint ended. Errors lose their class between threads, so only their parts are sent. */
export type ThreadEnding =
  | { ending: 'returned'; result: unknown }
  | { ending: 'yielded'; point: SafePoint<unknown> }
  | {
      ending: 'threw'
      error: SerializedError
      point: SafePoint<unknown> | undefined
    }

/** Milliseconds of the clock that all threads of a process share. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6
