import { expect, test } from 'vitest'
import { readWaitSeconds } from './prefer.ts'

test.for([
  ['wait=10', 10],
  ['WAIT = 10', 10],
  ['wait="7"', 7],
  ['wait=0', 0],
  ['wait=20', 20],
  ['wait=21', 20],
  ['wait=999999999', 20],
  ['respond-async, wait=3', 3],
  ['respond-async; a=b, wait=3; c=d', 3],
  ['wait=3, wait=9', 3],
  [undefined, undefined],
  ['', undefined],
  ['respond-async', undefined],
  ['waiting=3', undefined],
  ['wait', undefined],
  ['wait=', undefined],
  ['wait=-1', undefined],
  ['wait=1.5', undefined],
  ['wait=1e1', undefined],
  ['wait=soon', undefined],
  ['wait=99999999999', undefined],
] as const)('Prefer: %s is a wait of %s seconds', ([prefer, seconds]) => {
  expect(readWaitSeconds(prefer)).toBe(seconds)
})
