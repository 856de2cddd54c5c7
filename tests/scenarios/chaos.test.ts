import { expect, test } from 'vitest'
import { removeData, runChaos } from '../chaos/chaos.ts'

// The chaos run (`npm run chaos`) in short: real processes that are killed, one that stands still for longer than its
// lease, and a stack that `STINT_CHAOS` makes unreliable by itself.

const SEED = 7

/** Nothing is measured here: it may take as long as a busy machine needs. */
const timeout = 1_200_000

test('no promise is broken while everything else breaks', { timeout }, async () => {
  const report = await runChaos({
    seed: SEED,
    jobs: 400,
    seconds: 14,
    leaseSeconds: 3,
    chaosSwitch: true,
    say: (line) => console.log(line),
  })
  const { broken, counts, strikes, printed } = report
  // One entry for each promise that was looked at, with the rows that break it.
  expect(broken.length).toBeGreaterThan(0)
  expect(broken.filter(({ rows }) => rows.length > 0)).toEqual([])
  // And things did break.
  expect(printed).toContain(`CHAOS is on (STINT_CHAOS=${SEED})`)
  expect(strikes.map(({ part }) => part)).toContain('frozen worker')
  expect(counts.accepted).toBeGreaterThan(300)
  expect(counts.stints).toMatchObject({ crashed: expect.any(Number), continued: expect.any(Number) })
  removeData(report)
})
