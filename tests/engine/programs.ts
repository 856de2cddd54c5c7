import fc from 'fast-check'
import { type JobSpec, type Move, PARTS, type Part } from './moves.ts'
import type { Script } from './scripted.ts'

const nth = fc.nat(20)
const partOf = (name: string) => fc.constantFrom(...PARTS.filter((part) => part.startsWith(name)))

const script: fc.Arbitrary<Script> = fc.record({
  points: fc.nat(6),
  safePoints: fc.constantFrom('checkpoint', 'durable', 'progress'),
  numbers: fc.boolean(),
  submits: fc.constantFrom(false, false, true),
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
  expiresAfterSeconds: fc.constantFrom(null, null, null, null, 1, 20, 100),
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

/** Several moves that belong together; when a program that fails is made smaller they stay or go together. */
type Scene = fc.Arbitrary<Move[]>

const picks = (maxLength: number) => fc.array(fc.nat(9), { maxLength, size: 'max' })
const worker = partOf('worker')
const timer = partOf('timer')
const host = partOf('host')

const run = fc.record({ do: fc.constant('run' as const), picks: picks(20) })
const wait = fc.record({
  do: fc.constant('wait' as const),
  seconds: fc.constantFrom(1, 1, 2, 3, 10, 25),
  picks: picks(8),
})
const invoke = (part: fc.Arbitrary<Part>) =>
  fc.record({
    do: fc.constant('invoke' as const),
    part,
    nth,
    doorbells: fc.constantFrom(1, 1, 1, 3),
    functionSeconds: fc.constantFrom(900, 900, 60, 15, 3),
  })
const kill = (part: fc.Arbitrary<Part>) =>
  fc.record({
    do: fc.constant('kill' as const),
    part,
    turns: fc.nat(8),
    answer: fc.constantFrom('never sent', 'lost'),
  })
const submit = (job: fc.Arbitrary<JobSpec>) =>
  fc.record({
    do: fc.constant('submit' as const),
    part: host,
    how: fc.constantFrom('one', 'gathered', 'batch'),
    keyed: fc.boolean(),
    jobs: fc.array(job, { minLength: 1, maxLength: 4 }),
  })

const storeAgain = fc.record({ do: fc.constant('store again' as const), part: host, nth: fc.nat(3) })

const change = fc.record(
  {
    name: fc.constantFrom('another', null),
    priority: fc.constantFrom(0, 10, -10),
    delaySeconds: fc.constantFrom(0, 0, 2, 1_200),
    maxAttempts: fc.integer({ min: 1, max: 4 }),
    timeoutSeconds: fc.constantFrom(60, 3_600),
    tags: fc.subarray(['a', 'b:c']),
    expiresInSeconds: fc.constantFrom(1, 20, 2_000),
  },
  { requiredKeys: [] },
)

const loseAnswer = (part: fc.Arbitrary<Part>) =>
  fc.record({ do: fc.constant('lose an answer' as const), part, answers: fc.nat(8) })

const just = (move: fc.Arbitrary<Move>): Scene => move.map((it) => [it])

/** A submission that is stored and rung for before anything else happens. */
const submitted = (job: fc.Arbitrary<JobSpec>): Scene => submit(job).map((it) => [it, { do: 'finish', part: it.part }])

/** A worker dies soon, and its host sees it. */
const crash: Scene = fc
  .tuple(kill(worker), run, timer)
  .map(([death, meanwhile, part]) => [death, meanwhile, { do: 'bury', part }, { do: 'finish', part }])

/** Something kills workers: the next one takes the job and dies too. */
const poison: Scene = fc
  .tuple(worker, timer, fc.integer({ min: 3, max: 4 }), fc.nat(3))
  .map(([part, bury, deaths, turns]) =>
    Array.from({ length: deaths }, (): Move[] => [
      { do: 'invoke', part, nth: 0, doorbells: 3, functionSeconds: 900 },
      { do: 'run', picks: [0, 0, 0, 0] },
      { do: 'kill', part, turns, answer: 'never sent' },
      { do: 'finish', part },
      { do: 'bury', part: bury },
      { do: 'finish', part: bury },
    ]).flat(),
  )

/** A worker sleeps for longer than its leases, the sweep gives its jobs to others, and then it wakes. */
const oversleep: Scene = fc
  .tuple(worker, timer, invoke(worker), run)
  .map(([sleeper, part, other, meanwhile]) => [
    { do: 'sleep', part: sleeper },
    { do: 'sweep', part },
    { do: 'finish', part },
    { do: 'jump', seconds: 61 },
    { do: 'sweep', part },
    { do: 'finish', part },
    other,
    meanwhile,
    { do: 'wake', part: sleeper },
  ])

/** Some process stands still for a while. */
const nap: Scene = fc
  .tuple(fc.constantFrom(...PARTS), fc.oneof(run, wait))
  .map(([part, meanwhile]) => [{ do: 'sleep', part }, meanwhile, { do: 'wake', part }])

const pause: Scene = fc
  .tuple(host, host, run)
  .map(([one, other, meanwhile]) => [{ do: 'pause', part: one }, meanwhile, { do: 'resume', part: other }])

/** What people, workers and timers do. */
const everyday = [
  { weight: 3, arbitrary: just(submit(jobSpec)) },
  { weight: 2, arbitrary: submitted(jobSpec) },
  { weight: 1, arbitrary: just(fc.record({ do: fc.constant('submit again' as const), part: host, nth })) },
  {
    weight: 1,
    arbitrary: just(fc.record({ do: fc.constant('misuse a key' as const), part: host, nth, job: jobSpec })),
  },
  { weight: 8, arbitrary: just(invoke(worker)) },
  { weight: 2, arbitrary: just(fc.record({ do: fc.constant('sweep' as const), part: timer })) },
  { weight: 2, arbitrary: just(fc.record({ do: fc.constant('relay' as const), part: timer })) },
  { weight: 16, arbitrary: just(run) },
]

/** What a job submitted and its end is published: somebody deletes it. */
const deletePart: Scene = fc.tuple(timer, host, nth).map(([part, deleter, nth]) => [
  { do: 'relay', part },
  { do: 'finish', part },
  { do: 'delete a part', part: deleter, nth },
  { do: 'finish', part: deleter },
])

const several = fc.array(nth, { minLength: 1, maxLength: 5 })

/** What people do with jobs that are there. */
const secondThoughts = [
  { weight: 2, arbitrary: just(fc.record({ do: fc.constant('cancel' as const), part: host, nth })) },
  { weight: 1, arbitrary: just(fc.record({ do: fc.constant('cancel many' as const), part: host, picks: several })) },
  {
    weight: 2,
    arbitrary: just(fc.record({ do: fc.constant('retry' as const), part: host, nth, fromStart: fc.boolean() })),
  },
  {
    weight: 1,
    arbitrary: just(
      fc.record({ do: fc.constant('retry many' as const), part: host, picks: several, fromStart: fc.boolean() }),
    ),
  },
  { weight: 2, arbitrary: just(fc.record({ do: fc.constant('change' as const), part: host, nth, change })) },
  { weight: 2, arbitrary: just(fc.record({ do: fc.constant('delete' as const), part: host, nth })) },
  { weight: 1, arbitrary: deletePart },
  { weight: 1, arbitrary: just(fc.record({ do: fc.constant('prune' as const), part: timer })) },
  { weight: 2, arbitrary: just(storeAgain) },
]

/** What goes wrong, and what people do then. */
const harm = [
  { weight: 4, arbitrary: crash },
  { weight: 4, arbitrary: oversleep },
  { weight: 2, arbitrary: nap },
  { weight: 1, arbitrary: pause },
  { weight: 6, arbitrary: just(wait) },
  {
    weight: 1,
    arbitrary: just(
      fc.record({ do: fc.constant('jump' as const), seconds: fc.constantFrom(2, 31, 70, 200, -3, -3_600, 2_700_000) }),
    ),
  },
  { weight: 2, arbitrary: just(kill(fc.constantFrom(...PARTS))) },
  { weight: 3, arbitrary: just(loseAnswer(fc.constantFrom(...PARTS))) },
  { weight: 1, arbitrary: just(fc.record({ do: fc.constant('stop' as const), part: worker })) },
  {
    weight: 1,
    arbitrary: just(
      fc.record({ do: fc.constant('redrive' as const), part: host, perSecond: fc.constantFrom(undefined, 1) }),
    ),
  },
  { weight: 1, arbitrary: just(fc.record({ do: fc.constant('lose a doorbell' as const), nth })) },
  { weight: 3, arbitrary: just(fc.record({ do: fc.constant('repeat a doorbell' as const), nth })) },
  {
    weight: 1,
    arbitrary: just(
      fc.record({ do: fc.constant('break SQS' as const), how: fc.constantFrom('not sent', 'answer lost') }),
    ),
  },
  {
    weight: 1,
    arbitrary: just(
      fc.record({
        do: fc.constant('break Kafka' as const),
        how: fc.constantFrom('before it stores', 'after it stored'),
      }),
    ),
  },
]

/** What happens around schedules. */
const clockwork = [
  { weight: 3, arbitrary: just(fc.record({ do: fc.constant('tick' as const), part: timer })) },
  {
    weight: 1,
    arbitrary: just(
      fc.record({
        do: fc.constant('schedule' as const),
        part: host,
        catchUp: fc.constantFrom('all', 'all', 'one', 'skip'),
      }),
    ),
  },
  { weight: 6, arbitrary: just(run) },
  { weight: 3, arbitrary: just(wait) },
  {
    weight: 2,
    arbitrary: just(fc.record({ do: fc.constant('jump' as const), seconds: fc.constantFrom(2, 31, 70, 200, -3, -70) })),
  },
  { weight: 1, arbitrary: just(invoke(worker)) },
  { weight: 1, arbitrary: just(fc.record({ do: fc.constant('sweep' as const), part: timer })) },
  { weight: 2, arbitrary: just(kill(timer)) },
  { weight: 2, arbitrary: just(loseAnswer(fc.oneof(timer, timer, host))) },
  { weight: 2, arbitrary: nap },
]

/** What happens where workers struggle for few jobs. */
const struggle = [
  { weight: 5, arbitrary: oversleep },
  { weight: 4, arbitrary: crash },
  { weight: 1, arbitrary: poison },
  { weight: 3, arbitrary: just(loseAnswer(worker)) },
  { weight: 6, arbitrary: just(invoke(worker)) },
  { weight: 14, arbitrary: just(run) },
  { weight: 6, arbitrary: just(wait) },
  { weight: 1, arbitrary: just(fc.record({ do: fc.constant('cancel' as const), part: host, nth })) },
  { weight: 2, arbitrary: just(fc.record({ do: fc.constant('repeat a doorbell' as const), nth })) },
]

const programOf = (beginning: Scene, scenes: { weight: number; arbitrary: Scene }[], maxLength: number) =>
  fc
    .tuple(beginning, fc.array(fc.oneof(...scenes), { minLength: 1, maxLength, size: 'max' }))
    .map(([first, others]): Move[] => [...first, ...others.flat()])

/** Programs in which only the order of things is random. */
export const fairWeather = programOf(submitted(jobSpec), everyday, 25)

/** Programs in which everything goes wrong that can. */
export const foulWeather = programOf(submitted(jobSpec), [...everyday, ...secondThoughts, ...harm], 40)

/** Programs in which the processes that make the jobs of schedules die, sleep and lose answers. */
export const schedules = programOf(
  host.map((part): Move[] => [
    { do: 'schedule', part, catchUp: 'all' },
    { do: 'finish', part },
  ]),
  clockwork,
  40,
)

/** A long job that nothing keeps from running. */
const lively: fc.Arbitrary<JobSpec> = jobSpec.map((job) => ({
  ...job,
  kind: 'scripted.plain',
  script: { ...job.script, points: job.script.points + 2, throws: null },
  project: 0,
  delaySeconds: 0,
  expiresAfterSeconds: null,
  timeoutSeconds: 3_600,
  unique: null,
  after: [],
  afterSiblings: [],
}))

/** A long job that does nothing but submit others. */
const submitting: fc.Arbitrary<JobSpec> = lively.map((job) => ({
  ...job,
  script: { ...job.script, submits: true, numbers: false, logs: false, hears: false },
}))

/** A short job that mostly runs after others. */
const relative: fc.Arbitrary<JobSpec> = fc
  .record({
    job: jobSpec,
    points: fc.nat(1),
    after: fc.array(nth, { maxLength: 4 }),
    afterSiblings: fc.array(nth, { maxLength: 4 }),
    maxAttempts: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ job, points, after, afterSiblings, maxAttempts }) => ({
    ...job,
    script: { ...job.script, points },
    project: 0,
    delaySeconds: 0,
    after,
    afterSiblings,
    maxAttempts,
  }))

/** A short job of few projects and keys, so that jobs get in each other's way. */
const contested: fc.Arbitrary<JobSpec> = fc
  .record({
    job: jobSpec,
    points: fc.nat(1),
    delaySeconds: fc.constantFrom(0, 0, 3),
    unique: fc.option(
      fc.record({
        key: fc.constantFrom('x', 'y'),
        forSeconds: fc.constantFrom(0, 60),
        onDuplicate: fc.constantFrom('return', 'replace', 'replace'),
      }),
      { nil: null, freq: 4 },
    ),
  })
  .map(({ job, points, delaySeconds, unique }) => ({
    ...job,
    script: { ...job.script, points, submits: false },
    project: 0,
    delaySeconds,
    unique,
  }))

const family: Scene = fc
  .record({
    do: fc.constant('submit' as const),
    part: host,
    how: fc.constant('batch' as const),
    keyed: fc.constant(false),
    jobs: fc.array(relative, { minLength: 4, maxLength: 10 }),
  })
  .map((it) => [it, { do: 'finish', part: it.part }])

/** What happens among jobs that run after each other: ends are counted part by part, and others come in between. */
const kinship = [
  { weight: 2, arbitrary: family },
  { weight: 6, arbitrary: just(invoke(worker)) },
  { weight: 16, arbitrary: just(run) },
  { weight: 6, arbitrary: just(fc.record({ do: fc.constant('sweep' as const), part: timer })) },
  { weight: 2, arbitrary: just(kill(fc.oneof(timer, timer, worker, host))) },
  { weight: 2, arbitrary: just(loseAnswer(fc.oneof(timer, worker, host))) },
  { weight: 4, arbitrary: just(fc.record({ do: fc.constant('cancel' as const), part: host, nth })) },
  {
    weight: 5,
    arbitrary: just(fc.record({ do: fc.constant('retry' as const), part: host, nth, fromStart: fc.boolean() })),
  },
  {
    weight: 1,
    arbitrary: just(fc.record({ do: fc.constant('redrive' as const), part: host, perSecond: fc.constant(undefined) })),
  },
  { weight: 2, arbitrary: nap },
]

/** Programs in which many jobs run after many others. */
export const families = programOf(family, kinship, 30)

/** Another takes the place of a job before its host, which lost the answer, stores it again. */
const overtaken: Scene = fc
  .tuple(submit(contested), submit(contested), host, run)
  .map(([one, other, part, meanwhile]) => [
    one,
    { do: 'finish', part: one.part },
    other,
    { do: 'finish', part: other.part },
    { do: 'store again', part, nth: other.how === 'batch' ? 1 : other.jobs.length },
    meanwhile,
  ])

/** Programs in which people often change their mind. */
export const changedMinds = programOf(
  submitted(contested),
  [
    { weight: 4, arbitrary: just(submit(contested)) },
    { weight: 4, arbitrary: submitted(contested) },
    { weight: 2, arbitrary: just(storeAgain) },
    { weight: 2, arbitrary: overtaken },
    { weight: 1, arbitrary: just(fc.record({ do: fc.constant('submit again' as const), part: host, nth })) },
    { weight: 6, arbitrary: just(invoke(worker)) },
    { weight: 2, arbitrary: just(fc.record({ do: fc.constant('sweep' as const), part: timer })) },
    { weight: 4, arbitrary: just(fc.record({ do: fc.constant('relay' as const), part: timer })) },
    { weight: 16, arbitrary: just(run) },
    { weight: 4, arbitrary: just(wait) },
    { weight: 1, arbitrary: pause },
    { weight: 1, arbitrary: just(kill(host)) },
    { weight: 2, arbitrary: just(loseAnswer(host)) },
    ...secondThoughts.map((it) => ({ ...it, weight: 2 * it.weight })),
  ],
  40,
)

/** Programs in which workers that die and sleep struggle for a few long jobs. */
export const closeQuarters = programOf(submitted(lively), struggle, 40)

/** Programs in which workers that die and sleep struggle for jobs that submit others. */
export const changingHands = programOf(
  submitted(submitting),
  [
    ...struggle,
    { weight: 3, arbitrary: deletePart },
    {
      weight: 1,
      arbitrary: just(fc.record({ do: fc.constant('retry' as const), part: host, nth, fromStart: fc.boolean() })),
    },
  ],
  40,
)
