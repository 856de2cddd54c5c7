import { expect } from 'vitest'
import { test, type World } from '../support/world.ts'
import { PROMISES } from './check.ts'
import type { JobSpec, Move, Part } from './moves.ts'
import { runProgram } from './run-program.ts'
import { setStage } from './stage.ts'

/** Programs that once broke a promise. */
const runs = async (world: World, moves: Move[]) => {
  const stage = await setStage(world.environment)
  try {
    const { broken, history } = await runProgram(stage, { moves, seed: 1, promises: PROMISES })
    expect(broken, history.join('\n')).toEqual([])
  } finally {
    await stage.close()
  }
}

const job = ({
  script,
  ...over
}: Partial<Omit<JobSpec, 'script'>> & { script?: Partial<JobSpec['script']> } = {}): JobSpec => ({
  kind: 'scripted.plain',
  project: 0,
  priority: 0,
  delaySeconds: 0,
  expiresAfterSeconds: null,
  maxAttempts: 3,
  timeoutSeconds: 3_600,
  tags: [],
  after: [],
  afterSiblings: [],
  onParentFailure: 'fail',
  unique: null,
  ...over,
  script: {
    points: 0,
    safePoints: 'checkpoint',
    numbers: false,
    submits: false,
    logs: false,
    hears: false,
    throws: null,
    key: 'a',
    ...script,
  },
})

const submit = (...jobs: JobSpec[]): Move => ({ do: 'submit', part: 'host-1', how: 'batch', keyed: false, jobs })
const invoke = (functionSeconds = 900): Move => ({
  do: 'invoke',
  part: 'worker-1',
  nth: 0,
  doorbells: 1,
  functionSeconds,
})
const take = (...turns: string[]): Move => ({ do: 'take', turns, which: 'oldest' })
/** This many turns, always the oldest. */
const run = (turns: number): Move => ({ do: 'run', picks: Array.from({ length: turns }, () => 0) })

test('a claim that is answered when the function’s time is over starts nothing', async ({ world }) => {
  await runs(world, [submit(job()), run(20), invoke(3), { do: 'wait', seconds: 3, picks: [] }])
})

test('a job that returned is not cut off while its lines are written', async ({ world }) => {
  await runs(world, [
    submit(job({ script: { points: 1, logs: true } })),
    run(20),
    invoke(3),
    take('listDue', 'claims.claim', 'step 1', 'the end of'),
    { do: 'wait', seconds: 3, picks: [] },
  ])
})

test('a child that is due in a month doesn’t keep its parent from ending', async ({ world }) => {
  await runs(world, [submit(job(), job({ afterSiblings: [0], delaySeconds: 2_600_000 })), run(20), invoke(), run(20)])
})

test('a job that was running when the machines went off for a month goes on', async ({ world }) => {
  await runs(world, [
    submit(job({ script: { points: 2 }, timeoutSeconds: 2_592_000 })),
    run(20),
    invoke(),
    take('listDue', 'claims.claim', 'step 1'),
    { do: 'kill', part: 'worker-1', turns: 0, answer: 'never sent' },
    run(1),
    { do: 'jump', seconds: 2_700_000 },
  ])
})

test('a day on which the machines were off is no running time', async ({ world }) => {
  await runs(world, [
    submit(job({ script: { points: 2 } })),
    run(20),
    invoke(),
    take('listDue', 'claims.claim', 'step 1'),
    { do: 'kill', part: 'worker-1', turns: 0, answer: 'never sent' },
    run(1),
    { do: 'jump', seconds: 86_400 },
  ])
  expect(await world.sql`SELECT state, error FROM jobs`).toEqual([{ state: 'succeeded', error: null }])
})

test('the lease of a worker that died when the clock was set back ends as soon as any other', async ({ world }) => {
  await runs(world, [
    submit(job()),
    run(20),
    invoke(),
    take('listDue', 'claims.claim'),
    { do: 'sweep', part: 'timer-1' },
    { do: 'finish', part: 'timer-1' },
    { do: 'jump', seconds: -3_600 },
    { do: 'kill', part: 'worker-1', turns: 0, answer: 'never sent' },
    run(1),
  ])
})

test('a sibling that was answered with the holder of its unique key is a parent all the same', async ({ world }) => {
  const unique = { key: 'x', forSeconds: 0, onDuplicate: 'return' as const }
  await runs(world, [submit(job({ unique })), run(20), submit(job({ unique }), job({ afterSiblings: [0] })), run(20)])
})

test('the lines that a job logged are there although another flush took them along', async ({ world }) => {
  await runs(world, [
    submit(job({ script: { points: 1, logs: true } })),
    run(20),
    invoke(),
    take('listDue', 'claims.claim', 'step 1'),
    // The timer's flush waits while the job ends.
    { do: 'wait', seconds: 1, picks: [] },
    take('the end of', 'outcomes.settle'),
  ])
})

test('a safe point that is saved late doesn’t overwrite a newer one', async ({ world }) => {
  await runs(world, [
    submit(job({ script: { points: 3, safePoints: 'durable' } })),
    run(20),
    invoke(),
    take('listDue', 'claims.claim', 'step 1'),
    // The timer's save of the first point waits while the second, a durable one, is saved.
    { do: 'wait', seconds: 1, picks: [] },
    take('step 2'),
    { do: 'take', turns: ['safe-points.save', 'safe-points.save'], which: 'newest' },
    { do: 'kill', part: 'worker-1', turns: 0, answer: 'never sent' },
    run(1),
  ])
})

test('a submission that is stored again takes nobody’s place anew', async ({ world }) => {
  const unique = { key: 'x', forSeconds: 0, onDuplicate: 'replace' as const }
  const replacing: Move[] = [submit(job({ unique })), { do: 'finish', part: 'host-1' }]
  await runs(world, [...replacing, ...replacing, { do: 'store again', part: 'host-1', nth: 1 }])
})

test('a job is deleted while the retry of the one that submitted it has not committed', async ({ world }) => {
  const script = { points: 1, submits: true, throws: { how: 'permanent', at: 1, until: 1 } } as const
  const finish = (part: Part): Move => ({ do: 'finish', part })
  await runs(world, [
    submit(job({ script })),
    finish('host-1'),
    invoke(),
    run(20),
    invoke(),
    run(20),
    { do: 'relay', part: 'timer-1' },
    finish('timer-1'),
    { do: 'retry', part: 'host-2', nth: 0, fromStart: true },
    take('listToReopen', 'BEGIN', 'retries.list', 'retries.lock', 'dependencies.reopen', 'forget', 'retries.begin'),
    { do: 'delete a part', part: 'host-1', nth: 0 },
    finish('host-1'),
  ])
  expect(await world.sql`SELECT name FROM archive.jobs`).toEqual([{ name: 'part 1' }])
})
