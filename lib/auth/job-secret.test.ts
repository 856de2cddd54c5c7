import { expect } from 'vitest'
import { test } from '../../tests/support/world.ts'
import { jobSecret } from './job-secret.ts'

test('a secret is the same at each time, and another one for each job and purpose', ({ world: { app } }) => {
  const secret = jobSecret(app, 'a', 'confirm-email')
  expect(secret).toMatch(/^[\w-]{43}$/)
  expect(jobSecret(app, 'a', 'confirm-email')).toBe(secret)
  expect(jobSecret(app, 'b', 'confirm-email')).not.toBe(secret)
  expect(jobSecret(app, 'a', 'reset-password')).not.toBe(secret)
})

test('it takes a key of its own, and says so where there is none', ({ world: { app } }) => {
  const { config } = app
  const auth = { ...config.auth, signing: undefined }
  expect(jobSecret({ config: { ...config, auth } }, 'a', 'x')).toBe(jobSecret(app, 'a', 'x'))
  const keyless = { ...config, engine: { ...config.engine, jobSecretKey: undefined } }
  expect(() => jobSecret({ config: keyless }, 'a', 'x')).toThrow('JOB_SECRET_KEY: is not set, and needed here')
})
