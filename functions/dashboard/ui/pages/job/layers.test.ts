import { expect, test } from 'vitest'
import { countStates, fold, layers, type Relative } from './layers.ts'

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

test('of a long row those are shown that somebody looks for, and the job itself', () => {
  const some = ['succeeded', 'running', 'succeeded', 'queued'] as const
  const states = [...some, 'failed', 'running', 'succeeded', 'succeeded', 'succeeded'] as const
  const row = states.map((state, nth) => ({ ...relative(`job ${nth}`), state }))
  const { shown, rest } = fold(row, 'job 7')
  expect(shown.map(({ id }) => id)).toEqual(['job 1', 'job 4', 'job 7'])
  expect(countStates(rest)).toBe('1 running, 1 queued, 4 succeeded')
  expect(countStates(row)).toBe('1 failed, 2 running, 1 queued, 5 succeeded')
})

test('a short row is shown whole', () => {
  const row = Array.from({ length: 8 }, (_, nth) => relative(`job ${nth}`))
  expect(fold(row, 'job 0')).toEqual({ shown: row, rest: [] })
})
