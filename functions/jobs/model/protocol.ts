import type { Outputs } from './session.ts'

/** The input of a model's thread. */
export interface ModelTask {
  model: Uint8Array
  input: Uint8Array
  isPicture: boolean
  header: boolean
  columns?: string[] | undefined
  mean?: number[] | undefined
  std?: number[] | undefined
  /** How many rows are done already. */
  first: number
}

export type ToModel = { type: 'open'; task: ModelTask } | { type: 'next' }

export type FromModel =
  | { type: 'opened'; classes: string[] | undefined }
  | ({ type: 'batch'; read: number } & Outputs)
  | { type: 'done' }
  /** An error with a code is final: another try wouldn't help. */
  | { type: 'failed'; message: string; code?: string }
