import { expect, test } from 'vitest'
import { bytes, cut, duration, quantity, relative, timeOfDay } from './format.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

test('a duration has two units at most', () => {
  const all = [0, 340, 1_000, 9_949, 12_400, 59_400, MINUTE, 64 * MINUTE, 47 * HOUR + 59 * MINUTE, 75 * HOUR]
  expect(all.map(duration)).toEqual([
    '0 ms',
    '340 ms',
    '1.0 s',
    '9.9 s',
    '12 s',
    '59 s',
    '1 min',
    '1 h 4 min',
    '47 h 59 min',
    '3 d 3 h',
  ])
})

test('a moment is told from now', () => {
  const at = Date.parse('2026-11-23T12:00:00Z')
  const told = (ms: number) => relative(new Date(at + ms).toISOString(), at)
  expect([told(0), told(-5 * SECOND), told(90 * SECOND), told(-3 * HOUR), told(50 * HOUR)]).toEqual([
    'now',
    '5 s ago',
    'in 1 min',
    '3 h ago',
    'in 2 d',
  ])
})

test('sizes and quantities are as people say them', () => {
  expect([bytes(0), bytes(1_023), bytes(1_536), bytes(50 * 1024 ** 2), bytes(3 * 1024 ** 5)]).toEqual([
    '0 B',
    '1023 B',
    '1.5 KiB',
    '50 MiB',
    '3,072 TiB',
  ])
  expect([quantity(1, 'job'), quantity(1_200, 'job'), quantity(0, 'entry', 'entries')]).toEqual([
    '1 job',
    '1,200 jobs',
    '0 entries',
  ])
})

test('a time of the day is that of the person’s zone', () => {
  const at = new Date(2026, 10, 23, 7, 5, 9, 30)
  expect(timeOfDay(at.toISOString())).toBe('07:05:09.030')
})

test('a text is cut between letters, and never in the middle of one', () => {
  expect([cut('abc', 3), cut('abcd', 3), cut('ab🚀d', 3), cut('🚀🚀🚀🚀', 3)]).toEqual([
    'abc',
    'abc…',
    'ab🚀…',
    '🚀🚀🚀…',
  ])
})
