import { expect, test } from 'vitest'
import { createCuts } from './cuts.ts'
import { createRandom } from './random.ts'

test('cuts about twice a second, however often it is asked', () => {
  let now = 0
  const cut = createCuts(createRandom(3), () => now)
  let cuts = 0
  for (; now < 60_000; now += 0.5) if (cut()) cuts++
  expect(cuts).toBeGreaterThan(90)
  expect(cuts).toBeLessThan(150)
})

test('cuts one stint at a time', () => {
  let now = 0
  const cut = createCuts(
    () => 0.5,
    () => now,
  )
  now = 10_000
  expect([cut(), cut(), cut()]).toEqual([true, false, false])
})
