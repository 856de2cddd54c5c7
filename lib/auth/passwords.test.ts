import { parseOptions } from '@node-rs/argon2'
import { expect, test } from 'vitest'
import { checkPassword, DECOY, hashPassword } from './passwords.ts'

test('only the password that was hashed matches', async () => {
  const passwordHash = await hashPassword('correct horse battery')
  expect(await checkPassword(passwordHash, 'correct horse battery')).toBe(true)
  expect(await checkPassword(passwordHash, 'correct horse batterz')).toBe(false)
  expect(await checkPassword(passwordHash, '')).toBe(false)
})

test('two hashes of one password differ', async () => {
  expect(await hashPassword('correct horse battery')).not.toBe(await hashPassword('correct horse battery'))
})

test('a password typed with composed and with combining characters is one password', async () => {
  const passwordHash = await hashPassword('caf\u00e9 au lait \ufb01ve')
  expect(await checkPassword(passwordHash, 'cafe\u0301 au lait five')).toBe(true)
})

test('hashes are argon2id with at least the parameters that OWASP asks for', async () => {
  const passwordHash = await hashPassword('correct horse battery')
  expect(passwordHash).toMatch(/^\$argon2id\$/)
  expect(parseOptions(passwordHash)).toMatchObject({ memoryCost: 19_456, timeCost: 2, parallelism: 1 })
})

test('a password without an account is checked against a hash that costs the same, and never matches', async () => {
  expect(parseOptions(DECOY)).toEqual(parseOptions(await hashPassword('correct horse battery')))
  expect(await checkPassword(undefined, 'correct horse battery')).toBe(false)
})
