import { validate, version } from 'uuid'
import { expect, test } from 'vitest'
import { newId } from './ids.ts'

test('ids are UUIDv7 of this moment, all different, and in the order of their making', () => {
  const before = Date.now()
  const ids = Array.from({ length: 5_000 }, newId)
  const timeOf = (id = '') => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true)
  expect(new Set(ids).size).toBe(5_000)
  expect(ids.toSorted()).toEqual(ids)
  expect(timeOf(ids[0])).toBeGreaterThanOrEqual(before)
  expect(timeOf(ids.at(-1))).toBeLessThanOrEqual(Date.now())
  expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(5_000)
})
