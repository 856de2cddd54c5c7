import { expect } from 'vitest'
import { test } from '../../tests/support/world.ts'
import { ENDED, hasEnded, STATES, TRANSITIONS } from './states.ts'

test('the database knows the same states', async ({ world: { sql } }) => {
  const [row] = await sql<{ definition: string }[]>`
    SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
    WHERE conrelid = 'jobs'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) ~ '\\mstate\\M'`
  const allowed = [...(row?.definition.matchAll(/'(\w+)'::text/g) ?? [])].map(([, state]) => state)
  expect(allowed.toSorted()).toEqual([...STATES].toSorted())
})

test('a state leads only to states, and never to itself', () => {
  for (const [state, next] of Object.entries(TRANSITIONS)) {
    expect(STATES).toEqual(expect.arrayContaining([...next]))
    expect(next).not.toContain(state)
  }
})

test('every job can come to its end, from every state and by running', () => {
  const reachable = (from: (typeof STATES)[number], seen = new Set([from])): Set<string> => {
    for (const next of TRANSITIONS[from]) if (!seen.has(next)) reachable(next, seen.add(next))
    return seen
  }
  for (const state of STATES) expect(ENDED.some((ended) => reachable(state).has(ended))).toBe(true)
  expect([...reachable('blocked')].toSorted()).toEqual([...STATES].toSorted())
})

test('an ended job begins anew or stays ended, and a success stays for good', () => {
  expect(STATES.filter(hasEnded)).toEqual([...ENDED])
  expect(TRANSITIONS.succeeded).toEqual([])
  for (const state of ENDED) expect(TRANSITIONS[state]).not.toContain('running')
})
