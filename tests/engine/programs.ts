import fc from 'fast-check'
import { type JobSpec, type Move, PARTS } from './moves.ts'
import type { Script } from './scripted.ts'

const nth = fc.nat(20)
const partOf = (name: string) => fc.constantFrom(...PARTS.filter((part) => part.startsWith(name)))

const script: fc.Arbitrary<Script> = fc.record({
  points: fc.nat(6),
  safePoints: fc.constantFrom('checkpoint', 'durable', 'progress'),
  numbers: fc.boolean(),
  logs: fc.boolean(),
  hears: fc.boolean(),
  throws: fc.option(
    fc.record({
      how: fc.constantFrom('error', 'permanent', 'later'),
      at: fc.nat(6),
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

/** What people, workers and timers do. */
const everyday = [
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

/** What goes wrong, and what people do then. */
const harm = [
  move(2, fc.record({ do: fc.constant('retry' as const), part: partOf('host'), nth, fromStart: fc.boolean() })),
  move(
    1,
    fc.record({ do: fc.constant('redrive' as const), part: partOf('host'), perSecond: fc.constantFrom(undefined, 1) }),
  ),
  move(1, fc.record({ do: fc.constant('pause' as const), part: partOf('host') })),
  move(1, fc.record({ do: fc.constant('resume' as const), part: partOf('host') })),
  move(2, fc.record({ do: fc.constant('cancel' as const), part: partOf('host'), nth })),
  move(
    6,
    fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, 1, 2, 3, 10, 25), picks: picks(8) }),
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
export const fairWeather = fc.array(fc.oneof(...everyday), { minLength: 1, maxLength: 25, size: 'max' })

/** Programs in which everything goes wrong that can. */
export const foulWeather = fc.array(fc.oneof(...everyday, ...harm), { minLength: 1, maxLength: 60, size: 'max' })

const worker = partOf('worker')
const lively: fc.Arbitrary<JobSpec> = fc.record({
  kind: fc.constant('scripted.plain' as const),
  script: fc.record({
    points: fc.integer({ min: 3, max: 8 }),
    safePoints: fc.constantFrom('durable', 'checkpoint'),
    numbers: fc.boolean(),
    logs: fc.boolean(),
    hears: fc.boolean(),
    throws: fc.constant(null),
    key: fc.constant('a'),
  }),
  project: fc.constant(0),
  priority: fc.constant(0),
  delaySeconds: fc.constant(0),
  maxAttempts: fc.constant(3),
  timeoutSeconds: fc.constant(3_600),
  tags: fc.constant([]),
  after: fc.constant([]),
  afterSiblings: fc.constant([]),
  onParentFailure: fc.constant('fail' as const),
  unique: fc.constant(null),
})

/** A worker sleeps for longer than its leases, and the sweep takes its jobs away. */
const oversleep = fc.tuple(worker, partOf('timer')).map(([part, timer]): Move[] => [
  { do: 'sleep', part },
  { do: 'sweep', part: timer },
  { do: 'finish', part: timer },
  { do: 'jump', seconds: 61 },
  { do: 'sweep', part: timer },
  { do: 'finish', part: timer },
])

const alone = (weight: number, arbitrary: fc.Arbitrary<Move>) => ({ weight, arbitrary: arbitrary.map((it) => [it]) })

const struggle = [
  { weight: 4, arbitrary: oversleep },
  alone(
    7,
    fc.record({
      do: fc.constant('invoke' as const),
      part: worker,
      nth,
      doorbells: fc.constant(3),
      functionSeconds: fc.constantFrom(900, 15),
    }),
  ),
  alone(14, fc.record({ do: fc.constant('run' as const), picks: picks(8) })),
  alone(6, fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, 1, 2, 10), picks: picks(4) })),
  alone(1, fc.record({ do: fc.constant('jump' as const), seconds: fc.constantFrom(61, 70) })),
  alone(2, fc.record({ do: fc.constant('sweep' as const), part: partOf('timer') })),
  alone(1, fc.record({ do: fc.constant('bury' as const), part: partOf('timer') })),
  alone(
    3,
    fc.record({
      do: fc.constant('kill' as const),
      part: worker,
      turns: fc.nat(5),
      answer: fc.constantFrom('never sent', 'lost'),
    }),
  ),
  alone(5, fc.record({ do: fc.constant('wake' as const), part: worker })),
  alone(2, fc.record({ do: fc.constant('repeat a doorbell' as const), nth })),
  alone(1, fc.record({ do: fc.constant('cancel' as const), part: partOf('host'), nth })),
]

/** Programs in which workers that die and sleep struggle for one or two long jobs. */
export const closeQuarters = fc
  .tuple(
    fc.array(lively, { minLength: 1, maxLength: 2 }),
    fc.array(fc.oneof(...struggle), { minLength: 5, maxLength: 50, size: 'max' }),
  )
  .map(([jobs, moves]): Move[] => [
    { do: 'submit', part: 'host-1', how: 'batch', keyed: false, jobs },
    { do: 'run', picks: [0, 0, 0] },
    ...moves.flat(),
  ])
