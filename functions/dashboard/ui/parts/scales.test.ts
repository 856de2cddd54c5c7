import { expect, test } from 'vitest'
import { counts, durations } from './scales.ts'

test.for([
  ['counts', counts],
  ['durations', durations],
] as const)('no two lines of a chart of %s have the same label', ([, { increments, format }]) => {
  for (const increment of increments) {
    const labels = [0, 1, 2, 3, 4, 5].map((nth) => format(nth * increment))
    expect(new Set(labels).size, labels.join()).toBe(labels.length)
  }
})

test('lines lie where people would draw them', () => {
  expect(counts.increments.slice(0, 6)).toEqual([1, 2, 5, 10, 20, 50])
  expect(durations.increments.map(durations.format)).toEqual(
    (
      '1 ms,2 ms,5 ms,10 ms,20 ms,50 ms,100 ms,200 ms,500 ms,1.0 s,2.0 s,5.0 s,10 s,30 s,1 min,5 min,10 min,30 min,' +
      '1 h,2 h,6 h,12 h,24 h,2 d,5 d,10 d,20 d,50 d,100 d,200 d,500 d'
    ).split(','),
  )
})
