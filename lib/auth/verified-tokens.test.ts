import { expect, test } from 'vitest'
import { createVerifiedTokens } from './verified-tokens.ts'

test('a token is remembered until the moment it expires', () => {
  const tokens = createVerifiedTokens(10)
  tokens.add('a', { userId: 'ann' }, 1_000)
  expect(tokens.find('a', 999)).toEqual({ userId: 'ann' })
  expect(tokens.find('a', 1_000)).toBeUndefined()
  expect(tokens.find('a', 999), 'an expired token is dropped').toBeUndefined()
})

test('the longest unused token goes when there are too many', () => {
  const tokens = createVerifiedTokens(2)
  const expiresAtMs = 1_000
  tokens.add('a', { userId: 'ann' }, expiresAtMs)
  tokens.add('b', { userId: 'ben' }, expiresAtMs)
  expect(tokens.find('a', 0)?.userId).toBe('ann')
  tokens.add('c', { userId: 'cem' }, expiresAtMs)
  expect(['a', 'b', 'c'].map((token) => tokens.find(token, 0)?.userId)).toEqual(['ann', undefined, 'cem'])
})
