import type { Outputs } from './session.ts'

/** What a model's thread is given. */
export interface ModelTask {
  model: Uint8Array
  input: Uint8Array
  isPicture: boolean
  header: boolean
  columns?: string[] | undefined
  mean?: number[] | undefined
  std?: number[] | undefined
  /** Rows that are done already. */
  first: number
}

export type ToModel = { type: 'open'; task: ModelTask } | { type: 'next' }

export type FromModel =
  | { type: 'opened'; classes: string[] | undefined }
  | ({ type: 'batch'; read: number } & Outputs)
  | { type: 'done' }
  /** With a code, what no other try would help. */
  | { type: 'failed'; message: string; code?: string }
