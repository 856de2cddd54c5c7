import { expect } from 'vitest'
import { test } from '../../tests/support/world.ts'
import type { InvocationContext } from '../invocation-context.ts'
import { every } from './every.ts'
import { acquireLease, releaseLeases } from './runner.ts'

test('one process holds a lease, until it runs out', async ({ world }) => {
  const [first, second] = [world.app, await world.anotherApp()]
  expect(await acquireLease(first, 'relay')).toBe(true)
  expect(await acquireLease(second, 'relay')).toBe(false)
  expect(await acquireLease(second, 'sweep')).toBe(true)
  await first.sql`UPDATE runners SET lease_until = now() - interval '1 second' WHERE name = 'relay'`
  expect(await acquireLease(second, 'relay')).toBe(true)
})

test('a lease is renewed when half of it is over, and not each time', async ({ world: { app, sql, advance } }) => {
  const leaseOf = async () => (await sql`SELECT lease_until FROM runners WHERE name = 'relay'`)[0]?.['leaseUntil']
  expect(await acquireLease(app, 'relay')).toBe(true)
  const first = await leaseOf()
  advance(1)
  expect([await acquireLease(app, 'relay'), await leaseOf()]).toEqual([true, first])
  advance(15)
  expect(await acquireLease(app, 'relay')).toBe(true)
  expect(Number(await leaseOf())).toBeGreaterThan(Number(first))
})

test('a process whose clock is put back looks whether it still has its lease', async ({ world }) => {
  const [first, second] = [world.app, await world.anotherApp()]
  expect(await acquireLease(first, 'relay')).toBe(true)
  await first.sql`UPDATE runners SET lease_until = now() - interval '1 second' WHERE name = 'relay'`
  expect(await acquireLease(second, 'relay')).toBe(true)
  world.advance(-600)
  expect(await acquireLease(first, 'relay')).toBe(false)
})

test('a function that is done gives its leases back: the next one may be another process', async ({ world }) => {
  const [first, second] = [world.app, await world.anotherApp()]
  const handler = every({
    name: 'once',
    everySeconds: 60,
    run: async (app) => {
      expect(await acquireLease(app, 'relay')).toBe(true)
      expect(await acquireLease(second, 'relay')).toBe(false)
    },
  })
  await handler({}, { app: first, getRemainingTimeInMillis: () => 60_000 } as unknown as InvocationContext)
  const vacant: number[] = []
  expect(await acquireLease(second, 'relay', async (_tx, { vacantSeconds }) => void vacant.push(vacantSeconds))).toBe(
    true,
  )
  expect(vacant).toHaveLength(1)
  expect(vacant[0]).toBeLessThan(5)
  expect(await acquireLease(first, 'relay')).toBe(false)
})

test('who gives back its leases leaves those that others have taken over', async ({ world }) => {
  const [first, second, third] = [world.app, await world.anotherApp(), await world.anotherApp()]
  expect(await acquireLease(first, 'relay')).toBe(true)
  await first.sql`UPDATE runners SET lease_until = now() - interval '1 second'`
  expect(await acquireLease(second, 'relay')).toBe(true)
  await releaseLeases(first)
  expect(await acquireLease(third, 'relay')).toBe(false)
})

test('a lease that was given before PostgreSQL’s clock was set back is no lease, and the log says so', async ({
  world,
}) => {
  const [first, second] = [world.app, await world.anotherApp()]
  const told = () => world.logged.filter((line) => line.includes('the clock of PostgreSQL was set back'))
  const setBack = (seconds: number) =>
    world.sql`UPDATE runners SET lease_until = lease_until + ${seconds} * interval '1 second' WHERE name = 'sweep'`
  expect(await acquireLease(first, 'sweep')).toBe(true)
  await setBack(50)
  expect([await acquireLease(second, 'sweep'), told()]).toEqual([false, []])
  await setBack(3_550)
  expect(await acquireLease(second, 'sweep')).toBe(true)
  expect(told().map((line) => JSON.parse(line))).toMatchObject([
    { name: 'sweep', setBackSeconds: expect.closeTo(3_600, -2) },
  ])
  expect(await acquireLease(first, 'relay')).toBe(true)
  expect(told()).toHaveLength(1)
  world.advance(20)
  expect(await acquireLease(first, 'sweep')).toBe(false)
})
