import { Socket } from 'node:net'
import { describe, expect, vi } from 'vitest'
import { test, type World } from '../tests/support/world.ts'
import { createPool, isUnreachable, type Pool, transaction } from './client.ts'

/** A pool of one connection, so that whoever comes next gets the one that broke, made anew. */
const poolOfOne = ({ app }: World): Pool =>
  createPool({ url: app.config.database.url, maxConnections: 1, prepare: true, applicationName: 'one' })

const makeTable = ({ sql }: World) => sql`CREATE TABLE written (n integer)`
const written = async ({ sql }: World) => (await sql`SELECT n FROM written ORDER BY n`).map((row) => row['n'])

const backendOf = async (sql: Pool | Parameters<Parameters<typeof transaction>[1]>[0]): Promise<number> => {
  const [row] = await sql`SELECT pg_backend_pid() AS pid`
  return row?.['pid']
}

/** Ends a backend, and resolves when its client has noticed. */
const breakConnection = async ({ sql }: World, pid: number): Promise<void> => {
  await sql`SELECT pg_terminate_backend(${pid}, 5000)`
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code

test('a connection that closes just when it was given a statement is made anew', async ({ world }) => {
  const connecting = vi.spyOn(Socket.prototype, 'connect')
  const pool = poolOfOne(world)
  await pool`SELECT 1`
  const socket = connecting.mock.contexts.at(-1) as Socket
  connecting.mockRestore()
  const lost = pool`SELECT 2`.catch((error: unknown) => error)
  // So few turns that the statement lies in the connection's buffer and isn't sent yet.
  for (let turn = 0; turn < 5; turn++) await undefined
  socket.emit('close', false)
  socket.destroy()
  expect(isUnreachable(await lost)).toBe(true)
  expect(await pool`SELECT 3 AS three`).toEqual([{ three: 3 }])
  await pool.end()
})

describe('a transaction whose connection breaks', () => {
  test('fails between two statements, and its statements that are left are not run outside of it', async ({
    world,
  }) => {
    await makeTable(world)
    const pool = poolOfOne(world)
    const left = Promise.withResolvers<unknown>()
    const begun = transaction(pool, async (tx) => {
      await tx`INSERT INTO written VALUES (1)`
      await breakConnection(world, await backendOf(tx))
      await pool`INSERT INTO written VALUES (10)`
      left.resolve(await tx`INSERT INTO written VALUES (2)`.catch(codeOf))
    })
    const error = await begun.catch((reason: unknown) => reason)
    expect(isUnreachable(error)).toBe(true)
    expect(await left.promise).toBe(codeOf(error))
    expect(await written(world)).toEqual([10])
    await pool.end()
  })

  test('fails in a statement, and the pool goes on', async ({ world }) => {
    await makeTable(world)
    const pool = poolOfOne(world)
    const begun = transaction(pool, async (tx) => {
      await tx`INSERT INTO written VALUES (1)`
      await tx`SELECT pg_terminate_backend(pg_backend_pid())`
    })
    expect(isUnreachable(await begun.catch((error: unknown) => error))).toBe(true)
    // postgres.js may hand the error that ended the connection to whoever comes next, too.
    const insert = () => pool`INSERT INTO written VALUES (3)`.then(() => 'inserted', codeOf)
    await expect.poll(insert).toBe('inserted')
    expect(await written(world)).toEqual([3])
    await pool.end()
  })

  test('fails although its work did not mind', async ({ world }) => {
    await makeTable(world)
    const pool = poolOfOne(world)
    const begun = transaction(pool, async (tx) => {
      await tx`INSERT INTO written VALUES (1)`
      await breakConnection(world, await backendOf(tx))
      return 'done'
    })
    expect(isUnreachable(await begun.catch((error: unknown) => error))).toBe(true)
    expect(await written(world)).toEqual([])
    await pool.end()
  })
})

test('a transaction that stood still for too long is gone, and worth another try', async ({ world }) => {
  await makeTable(world)
  const pool = poolOfOne(world)
  const begun = transaction(pool, async (tx) => {
    await tx`INSERT INTO written VALUES (1)`
    const pid = await backendOf(tx)
    await tx`SET LOCAL idle_in_transaction_session_timeout = '10ms'`
    const gone = async () => (await world.sql`SELECT FROM pg_stat_activity WHERE pid = ${pid}`).length === 0
    await expect.poll(gone, { timeout: 10_000 }).toBe(true)
    await tx`INSERT INTO written VALUES (2)`
  })
  expect(isUnreachable(await begun.catch((error: unknown) => error))).toBe(true)
  expect(await written(world)).toEqual([])
  await pool.end()
})

test('a transaction in which something else cannot be reached is rolled back', async ({ world }) => {
  await makeTable(world)
  const elsewhere = Object.assign(new Error('S3 is away'), { code: 'ECONNREFUSED' })
  const begun = transaction(world.sql, async (tx) => {
    await tx`INSERT INTO written VALUES (1)`
    throw elsewhere
  })
  await expect(begun).rejects.toBe(elsewhere)
  expect(await written(world)).toEqual([])
})

test('a transaction is committed whole, or rolled back with what its work threw', async ({ world }) => {
  await makeTable(world)
  expect(
    await transaction(world.sql, async (tx) => {
      await tx`INSERT INTO written ${tx([{ n: 1 }, { n: 2 }])}`
      return 'result'
    }),
  ).toBe('result')
  const begun = transaction(world.sql, async (tx) => {
    await tx`INSERT INTO written VALUES (3)`
    throw new Error('as it was told')
  })
  await expect(begun).rejects.toThrow('as it was told')
  expect(await written(world)).toEqual([1, 2])
})
