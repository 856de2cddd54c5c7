import type { JobChange } from '../../db/queries/job-changes.ts'
import type { OnParentFailure } from '../../db/queries/jobs.ts'
import type { CatchUp } from '../../db/queries/schedules.ts'
import type { Script } from './scripted.ts'

/** The processes. One that died is started again when it is needed. */
export const PARTS = ['host-1', 'host-2', 'worker-1', 'worker-2', 'worker-3', 'timer-1', 'timer-2'] as const
export type Part = (typeof PARTS)[number]

/** A job as somebody submits it. Numbers that name jobs are taken modulo how many there are. */
export interface JobSpec {
  kind: 'scripted.plain' | 'scripted.narrow' | 'scripted.limited'
  script: Script
  project: number
  priority: number
  delaySeconds: number
  /** How long it may wait for its start when it is due; null: for as long as it takes. */
  expiresAfterSeconds: number | null
  maxAttempts: number
  timeoutSeconds: number
  tags: string[]
  /** Accepted jobs of its project. */
  after: number[]
  /** Earlier jobs of its batch. */
  afterSiblings: number[]
  onParentFailure: OnParentFailure
  unique: { key: string; forSeconds: number; onDuplicate: 'return' | 'replace' } | null
}

/** One thing that the test makes happen. What it starts goes on by itself, turn by turn, when `run` or `wait` let it. */
export type Move =
  /** `one`: one after the other. `gathered`: at once, as many callers. `batch`: all or none. */
  | { do: 'submit'; part: Part; how: 'one' | 'gathered' | 'batch'; keyed: boolean; jobs: JobSpec[] }
  /** Sends an earlier request once more: its answer was lost, or came too late for its sender. */
  | { do: 'submit again'; part: Part; nth: number }
  /** Sends another request with the key of an earlier one. */
  | { do: 'misuse a key'; part: Part; nth: number; job: JobSpec }
  /** Stores a request of a moment ago, counted from the newest, once more: its host does so when the commit’s answer was lost. */
  | { do: 'store again'; part: Part; nth: number }
  | { do: 'cancel'; part: Part; nth: number }
  | { do: 'cancel many'; part: Part; picks: number[] }
  | { do: 'retry'; part: Part; nth: number; fromStart: boolean }
  | { do: 'retry many'; part: Part; picks: number[]; fromStart: boolean }
  /** Changes a job that waits. */
  | { do: 'change'; part: Part; nth: number; change: JobChange }
  | { do: 'delete'; part: Part; nth: number }
  /** Deletes a job that another submitted. */
  | { do: 'delete a part'; part: Part; nth: number }
  /** The prune removes old jobs. */
  | { do: 'prune'; part: Part }
  /** Failed jobs begin anew, this many a second. */
  | { do: 'redrive'; part: Part; perSecond: number | undefined }
  /** Makes a schedule that ticks every half minute. */
  | { do: 'schedule'; part: Part; catchUp: CatchUp }
  /** Makes the jobs of due ticks. */
  | { do: 'tick'; part: Part }
  | { do: 'pause'; part: Part }
  | { do: 'resume'; part: Part }
  /** A worker receives doorbells. */
  | { do: 'invoke'; part: Part; nth: number; doorbells: number; functionSeconds: number }
  | { do: 'sweep'; part: Part }
  | { do: 'relay'; part: Part }
  /** Takes turns; each number picks one of those that wait. */
  | { do: 'run'; picks: number[] }
  /** Takes the named turns, where they wait; of several with one name the oldest or the newest. */
  | { do: 'take'; turns: string[]; which: 'oldest' | 'newest' }
  /** Takes the turns of one process until it has none left. */
  | { do: 'finish'; part: Part }
  /** Seconds pass, for the database and for every process; after each, turns are taken. */
  | { do: 'wait'; seconds: number; picks: number[] }
  /** The database's time jumps; the processes notice nothing, or slept. */
  | { do: 'jump'; seconds: number }
  | { do: 'kill'; part: Part; turns: number; answer: 'never sent' | 'lost' }
  /** A connection of the process breaks when this many statements are answered, and it never sees the answer to the next. */
  | { do: 'lose an answer'; part: Part; answers: number }
  /** The host ends the leases of the processes that it saw die. */
  | { do: 'bury'; part: Part }
  | { do: 'sleep'; part: Part }
  | { do: 'wake'; part: Part }
  /** A deploy: the process's jobs stop at their next safe points. */
  | { do: 'stop'; part: Part }
  | { do: 'lose a doorbell'; nth: number }
  | { do: 'repeat a doorbell'; nth: number }
  | { do: 'break SQS'; how: 'not sent' | 'answer lost' }
  | { do: 'break Kafka'; how: 'before it stores' | 'after it stored' }

/** The moves that have this field. */
export type MoveOf<Field extends string> = Extract<Move, Record<Field, unknown>>
