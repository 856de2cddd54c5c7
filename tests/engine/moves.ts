import fc from 'fast-check'
import type { OnParentFailure } from '../../db/queries/jobs.ts'
import type { Script } from './scripted.ts'

/** The processes that there are. Each is started anew when it is needed and died. */
export const PARTS = ['host-1', 'host-2', 'worker-1', 'worker-2', 'worker-3', 'timer-1', 'timer-2'] as const
export type Part = (typeof PARTS)[number]

/** A job as somebody submits it. Numbers that name jobs count through those that there are, and begin again. */
export interface JobSpec {
  kind: 'scripted.plain' | 'scripted.narrow' | 'scripted.limited'
  script: Script
  project: number
  priority: number
  delaySeconds: number
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
  /** Sends an earlier request once more: its answer was lost, or its sender has no patience. */
  | { do: 'submit again'; part: Part; nth: number }
  /** Sends another request with the key of an earlier one. */
  | { do: 'misuse a key'; part: Part; nth: number; job: JobSpec }
  | { do: 'cancel'; part: Part; nth: number }
  /** A worker receives doorbells. */
  | { do: 'invoke'; part: Part; nth: number; doorbells: number; functionSeconds: number }
  | { do: 'sweep'; part: Part }
  | { do: 'relay'; part: Part }
  /** Turns are taken, each time the one that the number counts to. */
  | { do: 'run'; picks: number[] }
  /** Seconds pass, for the database and for every process; after each, turns are taken. */
  | { do: 'wait'; seconds: number; picks: number[] }
  /** The database's time jumps; the processes notice nothing, or slept. */
  | { do: 'jump'; seconds: number }
  | { do: 'kill'; part: Part; turns: number; answer: 'never sent' | 'lost' }
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

const nth = fc.nat(20)
const partOf = (name: string) => fc.constantFrom(...PARTS.filter((part) => part.startsWith(name)))

const script: fc.Arbitrary<Script> = fc.record({
  points: fc.nat(4),
  safePoints: fc.constantFrom('checkpoint', 'durable', 'progress'),
  numbers: fc.boolean(),
  logs: fc.boolean(),
  hears: fc.boolean(),
  throws: fc.option(
    fc.record({
      how: fc.constantFrom('error', 'permanent', 'later'),
      at: fc.nat(4),
      until: fc.integer({ min: 1, max: 3 }),
    }),
    { nil: null, freq: 2 },
  ),
  key: fc.constantFrom('a', 'b', 'c'),
})

const jobSpec: fc.Arbitrary<JobSpec> = fc.record({
  kind: fc.constantFrom('scripted.plain', 'scripted.plain', 'scripted.narrow', 'scripted.limited'),
  script,
  project: fc.nat(1),
  priority: fc.constantFrom(0, 0, 10, -10, 3),
  delaySeconds: fc.constantFrom(0, 0, 0, 0, 3, 1_200, 2_600_000),
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  timeoutSeconds: fc.constantFrom(3_600, 3_600, 60),
  tags: fc.subarray(['a', 'b:c']),
  after: fc.oneof(
    { weight: 3, arbitrary: fc.constant<number[]>([]) },
    { weight: 1, arbitrary: fc.array(nth, { minLength: 1, maxLength: 3 }) },
  ),
  afterSiblings: fc.oneof(
    { weight: 2, arbitrary: fc.constant<number[]>([]) },
    { weight: 1, arbitrary: fc.array(nth, { minLength: 1, maxLength: 3 }) },
  ),
  onParentFailure: fc.constantFrom('fail', 'run', 'skip'),
  unique: fc.option(
    fc.record({
      key: fc.constantFrom('x', 'y'),
      forSeconds: fc.constantFrom(0, 0, 60),
      onDuplicate: fc.constantFrom('return', 'replace'),
    }),
    { nil: null, freq: 4 },
  ),
})

const move = (weight: number, arbitrary: fc.Arbitrary<Move>) => ({ weight, arbitrary })
const picks = (maxLength: number) => fc.array(fc.nat(9), { maxLength, size: 'max' })

const fair = [
  move(
    6,
    fc.record({
      do: fc.constant('submit' as const),
      part: partOf('host'),
      how: fc.constantFrom('one', 'gathered', 'batch'),
      keyed: fc.boolean(),
      jobs: fc.array(jobSpec, { minLength: 1, maxLength: 4 }),
    }),
  ),
  move(1, fc.record({ do: fc.constant('submit again' as const), part: partOf('host'), nth })),
  move(1, fc.record({ do: fc.constant('misuse a key' as const), part: partOf('host'), nth, job: jobSpec })),
  move(
    7,
    fc.record({
      do: fc.constant('invoke' as const),
      part: partOf('worker'),
      nth,
      doorbells: fc.integer({ min: 1, max: 3 }),
      functionSeconds: fc.constantFrom(900, 60, 15, 3),
    }),
  ),
  move(2, fc.record({ do: fc.constant('sweep' as const), part: partOf('timer') })),
  move(2, fc.record({ do: fc.constant('relay' as const), part: partOf('timer') })),
  move(14, fc.record({ do: fc.constant('run' as const), picks: picks(25) })),
]

const foul = [
  move(2, fc.record({ do: fc.constant('cancel' as const), part: partOf('host'), nth })),
  move(
    4,
    fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 25 }), picks: picks(3) }),
  ),
  move(2, fc.record({ do: fc.constant('jump' as const), seconds: fc.constantFrom(2, 31, 61, 70, 200, -3, 2_700_000) })),
  move(
    3,
    fc.record({
      do: fc.constant('kill' as const),
      part: fc.constantFrom(...PARTS),
      turns: fc.nat(12),
      answer: fc.constantFrom('never sent', 'lost'),
    }),
  ),
  move(1, fc.record({ do: fc.constant('bury' as const), part: partOf('timer') })),
  move(2, fc.record({ do: fc.constant('sleep' as const), part: fc.constantFrom(...PARTS) })),
  move(2, fc.record({ do: fc.constant('wake' as const), part: fc.constantFrom(...PARTS) })),
  move(1, fc.record({ do: fc.constant('stop' as const), part: partOf('worker') })),
  move(1, fc.record({ do: fc.constant('lose a doorbell' as const), nth })),
  move(1, fc.record({ do: fc.constant('repeat a doorbell' as const), nth })),
  move(1, fc.record({ do: fc.constant('break SQS' as const), how: fc.constantFrom('not sent', 'answer lost') })),
  move(
    1,
    fc.record({ do: fc.constant('break Kafka' as const), how: fc.constantFrom('before it stores', 'after it stored') }),
  ),
]

/** Programs in which only the order of things is random. */
export const fairWeather = fc.array(fc.oneof(...fair), { minLength: 1, maxLength: 25, size: 'max' })

/** Programs in which everything goes wrong that can. */
export const foulWeather = fc.array(fc.oneof(...fair, ...foul), { minLength: 1, maxLength: 60, size: 'max' })
