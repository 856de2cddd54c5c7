import { brokenPromises } from './check.ts'
import { gatherEvidence } from './evidence.ts'
import type { Move } from './moves.ts'
import { Program } from './program.ts'
import type { Promised } from './promises/known.ts'
import type { Stage } from './stage.ts'
import { startVirtualTime } from './virtual-time.ts'

/** What one run of a program showed. */
export interface Ran {
  /** Every promise that was broken, with how. */
  broken: string[]
  /** What happened, turn by turn. */
  history: string[]
  /** The logs of all processes. */
  logged: string[]
}

/**
 * Runs a program: its moves one by one, then everything that was begun to its end, and then as much time as jobs need.
 * @param seed of the engine's own random numbers
 */
export const runProgram = async (
  stage: Stage,
  { moves, seed, promises }: { moves: Move[]; seed: number; promises: Record<string, Promised> },
): Promise<Ran> => {
  await stage.clear()
  const time = startVirtualTime()
  const program = new Program(stage, time, randomFrom(seed))
  const ran = (broken: string[]): Ran => ({ broken, history: program.traffic.history, logged: program.logged })
  try {
    for (const move of moves) await program.make(move)
    await program.calmDown()
    const healed = await program.letTimeHeal()
    const failures = program.allFailures().map((failure) => `Failed: ${failure}`)
    if (!healed) return ran([...failures, 'Broken: everything comes to its end.', ...(await program.unended())])
    const { model, journal, broker } = program
    const known = { evidence: await gatherEvidence(stage.admin), model, journal, delivered: broker.events }
    return ran([...failures, ...brokenPromises(promises, known)])
  } catch (error) {
    return ran([`The program broke off: ${(error as Error).stack}`])
  } finally {
    await program.end()
    time.end()
  }
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
const randomFrom = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}
