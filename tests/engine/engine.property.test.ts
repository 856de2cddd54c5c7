import fc from 'fast-check'
import { test, type World } from '../support/world.ts'
import { FAIR_PROMISES, PROMISES } from './check.ts'
import type { Move } from './moves.ts'
import { closeQuarters, fairWeather, foulWeather } from './programs.ts'
import type { Promised } from './promises/known.ts'
import { runProgram } from './run-program.ts'
import { setStage } from './stage.ts'

/** PROPERTY_RUNS=1000 looks longer; PROPERTY_SEED and PROPERTY_PATH, as a failure prints them, look at one program again. */
const { PROPERTY_RUNS, PROPERTY_SEED, PROPERTY_PATH, PROPERTY_HISTORY } = process.env
const RUNS = Number(PROPERTY_RUNS ?? 25)

const holds = async (world: World, programs: fc.Arbitrary<Move[]>, promises: Record<string, Promised>) => {
  const stage = await setStage(world.sql, world.environment)
  const property = fc.asyncProperty(programs, fc.noShrink(fc.integer()), async (moves, seed) => {
    const { broken, history, logged } = await runProgram(stage, { moves, seed, promises })
    if (broken.length === 0) return
    const shown = PROPERTY_HISTORY ? [...broken, ...history, ...logged] : broken
    throw new Error(shown.join('\n'))
  })
  const replay = {
    ...(PROPERTY_SEED && { seed: Number(PROPERTY_SEED) }),
    ...(PROPERTY_PATH && { path: PROPERTY_PATH }),
  }
  try {
    await fc.assert(property, { numRuns: RUNS, ...replay })
  } finally {
    await stage.close()
  }
}

const MINUTES = 60_000

test('in fair weather every job ends as its script says, whatever overtakes what', { timeout: 600 * MINUTES }, async ({
  world,
}) => {
  await holds(world, fairWeather, FAIR_PROMISES)
})

test('whatever goes wrong, nothing is lost and nothing happens twice', { timeout: 600 * MINUTES }, async ({
  world,
}) => {
  await holds(world, foulWeather, PROMISES)
})

test('workers that die and sleep struggle for a job, and one at a time has it', { timeout: 600 * MINUTES }, async ({
  world,
}) => {
  await holds(world, closeQuarters, PROMISES)
})
