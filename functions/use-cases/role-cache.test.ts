import { expect, test } from 'vitest'
import type { App } from '../../lib/app.ts'
import { forgetRoles, remember } from './role-cache.ts'

test('a role that was being read while it changed is not believed afterwards', async () => {
  // The cache only tells pools apart.
  const app = { sql: {} as App['sql'], clock: { now: () => 0 } }
  const answer = Promise.withResolvers<string>()
  const reading = remember(app, 'ada', () => answer.promise)
  forgetRoles(app)
  answer.resolve('owner')
  expect(await reading).toBe('owner')
  expect(await remember(app, 'ada', async () => 'viewer')).toBe('viewer')
})
