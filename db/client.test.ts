import { Socket } from 'node:net'
import { describe, expect, inject, onTestFinished, vi } from 'vitest'
import { watchServer } from '../tests/support/watched-server.ts'
import { test, type World } from '../tests/support/world.ts'
import { createPool, isRefusal, isUnavailable, isUnreachable, type Pool, transaction } from './client.ts'

/** A pool of one connection, so that whoever comes next gets the one that broke, made anew. */
const poolOfOne = ({ app }: World): Pool =>
  createPool({
    url: app.config.database.url,
    maxConnections: 1,
    applicationName: 'one',
    prepare: app.config.database.prepare,
  })

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
      left.resolve([
        await tx`INSERT INTO written VALUES (2)`.catch(codeOf),
        await tx.unsafe('INSERT INTO written VALUES (3)').catch(codeOf),
        await tx.savepoint((part) => part`INSERT INTO written VALUES (4)`).catch(codeOf),
      ])
    })
    const error = await begun.catch((reason: unknown) => reason)
    expect(isUnreachable(error)).toBe(true)
    expect(await left.promise).toEqual([codeOf(error), codeOf(error), codeOf(error)])
    expect(await written(world)).toEqual([10])
    await pool.end()
  })

  test('fails within a part that ends with a savepoint, too', async ({ world }) => {
    await makeTable(world)
    const pool = poolOfOne(world)
    const left = Promise.withResolvers<unknown>()
    const begun = transaction(pool, async (tx) => {
      await tx.savepoint('part', async (part) => {
        await part`INSERT INTO written VALUES (1)`
        await breakConnection(world, await backendOf(tx))
        await pool`INSERT INTO written VALUES (10)`
        left.resolve(await part`INSERT INTO written VALUES (2)`.catch(codeOf))
      })
    })
    const error = await begun.catch((reason: unknown) => reason)
    expect(isUnreachable(error)).toBe(true)
    expect(await left.promise).toBe(codeOf(error))
    expect(await written(world)).toEqual([10])
    await pool.end()
  })

  test('until then it commits what such parts wrote, and not what those did that threw', async ({ world }) => {
    await makeTable(world)
    const pool = poolOfOne(world)
    await transaction(pool, async (tx) => {
      await tx.unsafe('INSERT INTO written VALUES ($1)', [1])
      await tx.savepoint((part) => part`INSERT INTO written VALUES (2)`)
      const thrown = tx.savepoint('part', async (part) => {
        await part`INSERT INTO written VALUES (3)`
        throw new Error('not this one')
      })
      await expect(thrown).rejects.toThrow('not this one')
    })
    expect(await written(world)).toEqual([1, 2])
    await pool.end()
  })

  test('fails also where the next statement has parts, and leaves nothing that nobody catches', async ({ world }) => {
    await makeTable(world)
    const pool = poolOfOne(world)
    const uncaught: unknown[] = []
    const note = (error: unknown) => void uncaught.push(error)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    const left = Promise.withResolvers<unknown>()
    const begun = transaction(pool, async (tx) => {
      await breakConnection(world, await backendOf(tx))
      left.resolve(await tx`INSERT INTO ${tx('written')} ${tx`VALUES (${2})`}`.catch(codeOf))
    })
    const error = await begun.catch((reason: unknown) => reason)
    expect(await left.promise).toBe(codeOf(error))
    await new Promise((resolve) => setImmediate(resolve))
    expect(uncaught).toEqual([])
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
    await pool`INSERT INTO written VALUES (3)`
    expect(await written(world)).toEqual([3])
    await pool.end()
  })

  test('fails once for a statement that comes right after, and the pool goes on', async ({ world }) => {
    await makeTable(world)
    const pool = poolOfOne(world)
    const begun = transaction(pool, async (tx) => {
      await tx`SELECT pg_terminate_backend(pg_backend_pid())`.catch(() => {})
      await tx`INSERT INTO written VALUES (${2})`
    })
    expect(isUnreachable(await begun.catch((error: unknown) => error))).toBe(true)
    await pool`INSERT INTO written VALUES (3)`
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
    await expect.poll(gone).toBe(true)
    await tx`INSERT INTO written VALUES (2)`
  })
  expect(isUnreachable(await begun.catch((error: unknown) => error))).toBe(true)
  expect(await written(world)).toEqual([])
  await pool.end()
})

test('behind a pooler a statement that waits for its turn in a transaction fails with it', async ({ world }) => {
  const pool = createPool({ ...world.app.config.database, prepare: false, applicationName: 'pooled' })
  const settled = Promise.withResolvers<unknown[]>()
  const begun = transaction(pool, async (tx) => {
    const answers = Promise.allSettled([tx`SELECT pg_terminate_backend(pg_backend_pid())`, tx`SELECT 1`, tx`SELECT 2`])
    settled.resolve((await answers).map(({ status }) => status))
  })
  expect(isUnreachable(await begun.catch((error: unknown) => error))).toBe(true)
  expect(await settled.promise).toEqual(['rejected', 'rejected', 'rejected'])
  await pool.end()
})

test('a pool that is ended while its connection breaks ends', async ({ world }) => {
  const pool = poolOfOne(world)
  const lost = pool`SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(10)`.catch((error: unknown) => error)
  await new Promise((resolve) => setImmediate(resolve))
  await pool.end()
  expect(isUnreachable(await lost)).toBe(true)
})

test('a statement that cannot be built fails by itself', async ({ world }) => {
  const pool = poolOfOne(world)
  await pool`SELECT 1`
  const answers = await Promise.allSettled([
    pool`SELECT 1 AS n`,
    pool.unsafe('SELECT 2', Array(65_535).fill(1)),
    pool`SELECT 3 AS n`,
  ])
  expect(answers).toMatchObject([{ value: [{ n: 1 }] }, { status: 'rejected' }, { value: [{ n: 3 }] }])
  await pool.end()
})

test('who comes next gets the connection that was used last, so that the others may become idle and close', async ({
  world: { app },
}) => {
  // Without a pooler, behind which each connection has now this backend and now that.
  const { adminUrl: url } = inject('stack')
  const { prepare } = app.config.database
  const pool = createPool({ url, maxConnections: 4, applicationName: 'four', prepare })
  onTestFinished(() => pool.end())
  const together = await Promise.all(
    Array.from({ length: 4 }, () => pool`SELECT pg_backend_pid() AS pid, pg_sleep(0.2)`),
  )
  const opened = new Set(together.map(([row]) => row?.['pid']))
  expect(opened.size).toBe(4)
  const used = new Set<number>()
  for (let n = 0; n < 6; n++) used.add(await backendOf(pool))
  for (let n = 0; n < 3; n++) used.add(await pool.begin(backendOf))
  expect(used.size).toBe(1)
  // Three at once, and one after them: all that wait are known still.
  const three = await Promise.all(Array.from({ length: 3 }, () => pool`SELECT pg_backend_pid() AS pid, pg_sleep(0.1)`))
  for (const [row] of three) expect(opened).toContain(row?.['pid'])
  expect(opened).toContain(await backendOf(pool))
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

test('behind a pooler nothing is sent before the statement ahead of it is answered', async ({ world }) => {
  await makeTable(world)
  const server = await watchServer(world.app.config.database.url)
  onTestFinished(() => server.close())
  const pool = createPool({ url: server.url, maxConnections: 2, prepare: false, applicationName: 'pooled' })
  const inTransaction = (n: number) =>
    transaction(pool, async (tx) => {
      const insert = (value: number) => tx`INSERT INTO written VALUES (${value})`
      await Promise.all([insert(n), insert(n + 1), tx`SELECT 1`, insert(n + 2)])
    })
  const answers = await Promise.allSettled([
    ...[1, 2, 3, 4].map((n) => pool`SELECT ${n}::integer AS n`),
    inTransaction(10),
    pool`SELECT FROM nowhere`,
    pool.unsafe('SELECT 1', Array(65_535).fill(1)),
    inTransaction(20),
    pool`SELECT 5 AS n`,
    pool.unsafe('SELECT 6 AS n'),
    inTransaction(30),
  ])
  expect(answers.map(({ status }) => status === 'fulfilled')).toEqual([
    ...[true, true, true, true, true],
    ...[false, false],
    ...[true, true, true, true],
  ])
  expect(await written(world)).toEqual([10, 11, 12, 20, 21, 22, 30, 31, 32])
  expect(server.early()).toBe(0)
  await pool.end({ timeout: 0 })
})

test('a server that is no longer the primary, or that a pooler does not reach, is unreachable; what it refuses is not', async ({
  world,
}) => {
  await makeTable(world)
  const readOnly = await transaction(world.sql, async (tx) => {
    await tx`SET TRANSACTION READ ONLY`
    await tx`INSERT INTO written VALUES (1)`
  }).catch((error: unknown) => error)
  const raised = await world.sql`DO $$ BEGIN RAISE connection_failure; END $$`.catch((error: unknown) => error)
  const unfit = await world.sql`INSERT INTO written SELECT 'one'::text::integer`.catch((error: unknown) => error)
  const cancelled = await world.sql`DO $$ BEGIN RAISE query_canceled; END $$`.catch((error: unknown) => error)
  expect(
    [readOnly, raised, unfit, cancelled].map((error) => [codeOf(error), isUnreachable(error), isRefusal(error)]),
  ).toEqual([
    ['25006', true, false],
    ['08006', true, false],
    ['22P02', false, true],
    ['57014', false, false],
  ])
})

test('a server without room has done nothing of what was asked', async ({ world }) => {
  const full = await world.sql`DO $$ BEGIN RAISE disk_full; END $$`.catch((error: unknown) => error)
  expect([codeOf(full), isUnavailable(full), isUnreachable(full), isRefusal(full)]).toEqual([
    '53100',
    true,
    false,
    false,
  ])
})

test('a server is unreachable for a process without a descriptor for it, which may lack one for other reasons', () => {
  const failed = (syscall: string) => Object.assign(new Error(`${syscall} EMFILE`), { code: 'EMFILE', syscall })
  expect(['connect', 'open'].map((syscall) => isUnreachable(failed(syscall)))).toEqual([true, false])
})

test('a host whose name has no address is unreachable', async () => {
  const url = 'postgres://stint:stint@no-such-host.invalid/stint'
  const pool = createPool({ url, maxConnections: 1, prepare: true, applicationName: 'lost' })
  const error = await pool`SELECT 1`.catch((reason: unknown) => reason)
  expect(isUnreachable(error)).toBe(true)
  await pool.end()
})

/** A pool of one connection, to a server that can be made to fall silent. */
const poolOfSilent = async ({ app }: World, silenceSeconds = 2) => {
  const server = await watchServer(app.config.database.url)
  const { prepare } = app.config.database
  const pool = createPool({ url: server.url, maxConnections: 1, prepare, applicationName: 'silent', silenceSeconds })
  onTestFinished(async () => {
    await pool.end({ timeout: 0 })
    server.close()
  })
  return { server, pool }
}

describe('a connection that is gone without a word', () => {
  test('fails what waits for its answer, and the pool goes on', async ({ world }) => {
    const { server, pool } = await poolOfSilent(world)
    await pool`SELECT 1`
    server.fallSilent()
    const lost = await Promise.all([1, 2].map((n) => pool`SELECT ${n}::integer`.catch((error: unknown) => error)))
    expect(lost.filter(isUnreachable).map(codeOf)).toContain('CONNECTION_SILENT')
    expect(await pool`SELECT 3 AS three`).toEqual([{ three: 3 }])
  })

  test('fails the transaction that waits for its answer, and the pool goes on', async ({ world }) => {
    await makeTable(world)
    const { server, pool } = await poolOfSilent(world)
    const begun = transaction(pool, async (tx) => {
      await tx`INSERT INTO written VALUES (1)`
      server.fallSilent()
      await tx`INSERT INTO written VALUES (2)`
    })
    expect(isUnreachable(await begun.catch((error: unknown) => error))).toBe(true)
    await pool`INSERT INTO written VALUES (3)`
    expect(await written(world)).toEqual([3])
  })

  test('is not waited for by a pool that ends', async ({ world }) => {
    const { server, pool } = await poolOfSilent(world, 60)
    await pool`SELECT 1`
    server.fallSilent()
    await pool.end()
  })

  test('makes room for another one when it is closed because nobody used it', async ({ world }) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true })
    onTestFinished(() => void vi.useRealTimers())
    const { server, pool } = await poolOfSilent(world, 60)
    await pool`SELECT 1`
    server.fallSilent()
    vi.advanceTimersByTime(301_000)
    vi.useRealTimers()
    expect(await pool`SELECT 2 AS two`).toEqual([{ two: 2 }])
  })

  test('is not used again by a process that stood still for longer than it may rest', async ({ world }) => {
    const { server, pool } = await poolOfSilent(world)
    await pool`SELECT 1`
    server.fallSilent()
    // The timer that closes idle connections has stood still as well.
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 600_000)
    onTestFinished(() => void vi.restoreAllMocks())
    expect(await pool`SELECT 2 AS two`).toEqual([{ two: 2 }])
  })
})

test('a statement that takes longer, and a connection that rests for longer, are not given up', async ({ world }) => {
  const { pool } = await poolOfSilent(world, 2)
  const pid = await backendOf(pool)
  const rows = await pool`SELECT repeat('x', 100000), pg_sleep(0.5) FROM generate_series(1, 6)`
  expect(rows).toHaveLength(6)
  await world.sql`SELECT pg_sleep(3)`
  // Behind a pooler it tells nothing.
  if (world.app.config.database.prepare) expect(await backendOf(pool)).toBe(pid)
})

test('a pool leaves a server that is no longer the primary as soon as it refuses to write', async ({ world }) => {
  await makeTable(world)
  const name = new URL(world.app.config.database.url).pathname.slice(1)
  const setReadOnly = (on: string) =>
    world.sql.unsafe(`ALTER DATABASE "${name}" SET default_transaction_read_only = ${on}`)
  // Without a pooler, whose connections are others' too.
  const url = Object.assign(new URL(inject('stack').adminUrl), { pathname: name }).href
  const pool = createPool({ url, maxConnections: 1, prepare: true, applicationName: 'old primary' })
  onTestFinished(() => pool.end())
  await setReadOnly('on')
  await pool`SELECT 1`
  await setReadOnly('off')
  expect(await pool`INSERT INTO written VALUES (1)`.catch(codeOf)).toBe('25006')
  await pool`INSERT INTO written VALUES (2)`
  await expect(transaction(pool, (tx) => tx`INSERT INTO written VALUES (3)`)).resolves.toBeDefined()
  expect(await written(world)).toEqual([2, 3])
})

test('a transaction of which a server that is no longer the primary refuses a part is its last one there', async ({
  world,
}) => {
  await makeTable(world)
  const pool = poolOfOne(world)
  onTestFinished(() => pool.end())
  const begun = transaction(pool, async (tx) => {
    await tx`SET TRANSACTION READ ONLY`
    await tx`INSERT INTO written VALUES (1)`
  })
  expect(codeOf(await begun.catch((error: unknown) => error))).toBe('25006')
  await transaction(pool, (tx) => tx`INSERT INTO written VALUES (2)`)
  expect(await written(world)).toEqual([2])
})
