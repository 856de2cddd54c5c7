import { expect, test } from 'vitest'
import { readShipped } from '../../functions/jobs/model/shipped.ts'
import { digits, iris } from './samples.ts'
import { trainDigits, trainIris } from './train.ts'

test.for([
  { make: trainIris, accuracy: 0.96 },
  { make: trainDigits, accuracy: 0.97 },
])(
  '$make.name makes the model that is shipped, and it is right for most of what it never saw',
  async ({ make, accuracy }) => {
    const trained = make()
    expect(Buffer.from(trained.bytes).equals(await readShipped(trained.name as 'iris' | 'digits'))).toBe(true)
    expect(trained.accuracy).toBeGreaterThanOrEqual(accuracy)
  },
)

test('no sample is both learned from and held out', () => {
  for (const [{ train, heldOut }, count] of [
    [iris(), 150],
    [digits(), 1_797],
  ] as const) {
    expect(train.length + heldOut.length).toBe(count)
    expect(new Set([...train, ...heldOut]).size).toBe(count)
  }
})
