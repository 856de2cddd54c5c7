import fc from 'fast-check'
import { test, type World } from '../support/world.ts'
import { FAIR_PROMISES, PROMISES } from './check.ts'
import type { Move } from './moves.ts'
import {
  changedMinds,
  changingHands,
  closeQuarters,
  fairWeather,
  families,
  foulWeather,
  schedules,
} from './programs.ts'
import type { Promised } from './promises/known.ts'
import { runProgram } from './run-program.ts'
import { setStage } from './stage.ts'

/**
 * `PROPERTY_RUNS=500` looks longer. `PROPERTY_SEED` and `PROPERTY_PATH`, as a failure prints them, look at one program
 * again, and `PROPERTY_HISTORY=1` shows each of its turns and what the processes logged.
 */
const { PROPERTY_RUNS = '10', PROPERTY_SEED, PROPERTY_PATH, PROPERTY_HISTORY } = process.env
const RUNS = Number(PROPERTY_RUNS)

/** Enough for the slowest machine, and to make a program that fails smaller. */
const timeout = 120_000 + RUNS * 5_000

const holds = async (
  world: World,
  { programs, promises, runs }: { programs: fc.Arbitrary<Move[]>; promises: Record<string, Promised>; runs: number },
): Promise<void> => {
  const stage = await setStage(world.environment)
  const property = fc.asyncProperty(programs, fc.noShrink(fc.integer()), async (moves, seed) => {
    const { broken, history, logged } = await runProgram(stage, { moves, seed, promises })
    if (broken.length === 0) return
    throw new Error((PROPERTY_HISTORY ? [...broken, ...history, ...logged] : broken).join('\n'))
  })
  try {
    await fc.assert(property, {
      numRuns: runs,
      // Whatever has been found by then is shown, small or not.
      interruptAfterTimeLimit: timeout - 10_000,
      // The suite looks at the same programs each time; PROPERTY_SEED=$RANDOM looks at others.
      seed: Number(PROPERTY_SEED ?? 20_261_123),
      ...(PROPERTY_PATH && { path: PROPERTY_PATH }),
    })
  } finally {
    await stage.close()
  }
}

test('in fair weather every job ends as its script says, whatever overtakes what', { timeout }, async ({ world }) => {
  await holds(world, { programs: fairWeather, promises: FAIR_PROMISES, runs: RUNS })
})

test('whatever goes wrong, nothing is lost and nothing happens twice', { timeout }, async ({ world }) => {
  await holds(world, { programs: foulWeather, promises: PROMISES, runs: RUNS })
})

test('jobs that run after others do so once those have ended, whoever counts the ends', { timeout }, async ({
  world,
}) => {
  await holds(world, { programs: families, promises: PROMISES, runs: RUNS })
})

test('whoever changes, replaces, deletes and repeats what was asked for gets what was asked for last', {
  timeout,
}, async ({ world }) => {
  await holds(world, { programs: changedMinds, promises: PROMISES, runs: RUNS * 2 })
})

test('workers that die and sleep struggle for a job, and one at a time has it', { timeout }, async ({ world }) => {
  await holds(world, { programs: closeQuarters, promises: PROMISES, runs: RUNS * 3 })
})

test('whichever worker has a job that submits others, each is submitted by the one that has it then', {
  timeout,
}, async ({ world }) => {
  await holds(world, { programs: changingHands, promises: PROMISES, runs: RUNS * 2 })
})

test('each tick of a schedule becomes one job, whoever makes it, and none is left out', { timeout }, async ({
  world,
}) => {
  await holds(world, { programs: schedules, promises: PROMISES, runs: RUNS })
})
