import { expect, test } from 'vitest'
import { layers, type Relative } from './layers.ts'

const relative = (id: string, ...after: string[]) => ({ id, after }) as Relative

test('each job stands one row below the last of those that it runs after', () => {
  const jobs = [
    relative('fetch'),
    relative('north', 'fetch'),
    relative('south', 'fetch'),
    relative('together', 'north', 'south'),
    relative('report', 'together', 'fetch'),
  ]
  expect(layers(jobs).map((row) => row.map(({ id }) => id))).toEqual([
    ['fetch'],
    ['north', 'south'],
    ['together'],
    ['report'],
  ])
})
