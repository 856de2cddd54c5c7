import { expect, test as unit } from 'vitest'
import * as rateLimits from '../../db/queries/rate-limits.ts'
import { stopTime } from '../../tests/support/stop-time.ts'
import { test } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { addressBlock, limitPasswordTries, limitRefreshes } from './rate-limit.ts'

const allowing = (app: App, rateLimitPerMinute: number): App => ({
  ...app,
  config: { ...app.config, auth: { ...app.config.auth, rateLimitPerMinute } },
})

/** The same as waiting, without waiting. */
const pretend = async (app: App, secondsPassed: number): Promise<void> => {
  await app.sql`UPDATE rate_limits SET updated_at = updated_at - ${secondsPassed} * interval '1 second'`
}

/** How many of this many tries were let through. */
const letThrough = async (tries: Promise<void>[]): Promise<number> => {
  const settled = await Promise.allSettled(tries)
  for (const each of settled)
    if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'RATE_LIMITED' })
  return settled.filter((each) => each.status === 'fulfilled').length
}

const many = (count: number, tried: (index: number) => Promise<void>): Promise<void>[] =>
  Array.from({ length: count }, (_, index) => tried(index))

test('an address may try so often in a minute, whatever the accounts', async ({ world }) => {
  const app = allowing(world.app, 3)
  await limitPasswordTries(app, '192.0.2.1', 'a@x.org')
  await stopTime(app)
  for (const email of ['b@x.org', 'c@x.org']) await limitPasswordTries(app, '192.0.2.1', email)
  await expect(limitPasswordTries(app, '192.0.2.1', 'd@x.org')).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    status: 429,
    headers: { 'retry-after': '20' },
  })
  await limitPasswordTries(app, '192.0.2.2', 'd@x.org')
})

test('an account may be tried so often in a minute, from whatever addresses and in whatever case', async ({
  world,
}) => {
  const app = allowing(world.app, 3)
  await limitPasswordTries(app, '192.0.2.1', 'ann@x.org')
  await stopTime(app)
  await limitPasswordTries(app, '192.0.2.2', 'ANN@x.org')
  await limitPasswordTries(app, '192.0.2.3', 'Ann@X.org')
  await expect(limitPasswordTries(app, '192.0.2.4', 'ann@x.org')).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  await limitPasswordTries(app, '192.0.2.4', 'ben@x.org')
})

test('an address that may not try any more takes no account’s tries away', async ({ world }) => {
  const app = allowing(world.app, 3)
  expect(await letThrough(many(30, () => limitPasswordTries(app, '192.0.2.1', 'ben@x.org')))).toBe(3)
  await stopTime(app)
  expect(await letThrough(many(30, () => limitPasswordTries(app, '192.0.2.1', 'ann@x.org')))).toBe(0)
  expect(await letThrough(many(4, (index) => limitPasswordTries(app, `192.0.2.${index + 2}`, 'ann@x.org')))).toBe(3)
})

test('after Retry-After there is one more try, and no more than the limit however long one waits', async ({
  world,
}) => {
  const app = allowing(world.app, 3)
  const once = () => limitPasswordTries(app, '192.0.2.1', 'ann@x.org')
  expect(await letThrough(many(5, once))).toBe(3)
  await pretend(app, 20)
  expect(await letThrough(many(5, once))).toBe(1)
  await pretend(app, 86_400)
  expect(await letThrough(many(5, once))).toBe(3)
})

test('tries that are refused do not prolong the wait', async ({ world }) => {
  const app = allowing(world.app, 1)
  const once = () => limitPasswordTries(app, '192.0.2.1', 'ann@x.org')
  await once()
  // Far from the minute: the tries themselves take time.
  await pretend(app, 30)
  expect(await letThrough(many(20, once))).toBe(0)
  await pretend(app, 30)
  await once()
})

test('of many tries at the same moment exactly as many as allowed are let through', async ({ world }) => {
  const app = allowing(world.app, 7)
  const emails = ['ann@x.org', 'ben@x.org', 'cem@x.org']
  const tries = many(40, (index) => limitPasswordTries(app, '192.0.2.1', emails[index % 3]!))
  expect(await letThrough(tries)).toBe(7)
})

test('refreshes have a bucket of their own, six times as large', async ({ world }) => {
  const app = allowing(world.app, 2)
  await limitRefreshes(app, '192.0.2.1')
  await stopTime(app)
  expect(await letThrough(many(14, () => limitRefreshes(app, '192.0.2.1')))).toBe(11)
  await limitPasswordTries(app, '192.0.2.1', 'ann@x.org')
})

test('the table of buckets shows no email', async ({ world }) => {
  await limitPasswordTries(world.app, '192.0.2.1', 'ann@x.org')
  const rows = await world.sql<{ key: string }[]>`SELECT key FROM rate_limits ORDER BY key`
  expect(rows.map(({ key }) => key)).toEqual([
    expect.stringMatching(/^password:account:[\w-]{43}$/),
    'password:address:192.0.2.1',
  ])
})

test('buckets that are full again are removed, the others stay', async ({ world }) => {
  const app = allowing(world.app, 3)
  await limitPasswordTries(app, '192.0.2.1', 'ann@x.org')
  await pretend(app, 601)
  await limitPasswordTries(app, '192.0.2.2', 'ben@x.org')
  expect(await rateLimits.deleteStale(app.sql, 1)).toBe(1)
  expect(await rateLimits.deleteStale(app.sql, 100)).toBe(1)
  expect(await rateLimits.deleteStale(app.sql, 100)).toBe(0)
  const [left] = await world.sql<[{ count: number }]>`SELECT count(*) FROM rate_limits`
  expect(left.count).toBe(2)
})

unit.for([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::7', '2001:db8:1:2::/64'],
  ['2001:db8::7', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['unknown', 'unknown'],
] as const)('the address %s counts as %s', ([ip, block]) => {
  expect(addressBlock(ip)).toBe(block)
})
