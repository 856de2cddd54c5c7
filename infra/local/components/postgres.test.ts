import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import postgresClient from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPool, isUnreachable } from '../../../db/client.ts'
import { ComponentError } from './component.ts'
import { startPostgres } from './postgres.ts'
import { isAlive } from './postgres-lock.ts'
import { connects } from './reachable.ts'

let dataDir = ''
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stint-postgres-'))
  await chmod(folder, 0o711)
  dataDir = join(folder, 'postgres')
})
afterAll(() => rm(join(dataDir, '..'), { recursive: true, force: true }))

const query = async <T>(url: string, run: (sql: postgresClient.Sql) => Promise<T>): Promise<T> => {
  const sql = postgresClient(url, { max: 1, onnotice: () => {} })
  return await run(sql).finally(() => sql.end())
}

test('is PostgreSQL 18 that loses nothing it has acknowledged', async () => {
  const server = await startPostgres({ dataDir })
  const settings = await query(
    server.url,
    (sql) => sql`SELECT current_setting('server_version_num')::int / 10000 AS major,
      current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS "synchronousCommit"`,
  )
  await server.stop()
  expect(settings[0]).toEqual({ major: 18, fsync: 'on', synchronousCommit: 'on' })
  expect(await server.exited).toEqual({ code: 0, signal: null })
})

test.runIf(process.platform !== 'win32')('is reached by its Unix socket too, with the password', async () => {
  const server = await startPostgres({ dataDir })
  const asked = (url: string) => {
    const sql = createPool({ url, maxConnections: 1, prepare: true, applicationName: 'test' })
    return sql`SELECT inet_server_addr() AS address, current_database() AS database`.finally(() => sql.end())
  }
  const wrong = new URL(server.socketUrl)
  wrong.password = 'wrong'
  expect(await asked(server.socketUrl)).toEqual([{ address: null, database: 'stint' }])
  expect(await asked(server.url)).toMatchObject([{ address: '127.0.0.1' }])
  await expect(asked(wrong.href)).rejects.toMatchObject({ code: '28P01' })
  await server.stop()
  const error = await asked(server.socketUrl).catch((it: unknown) => it)
  expect(error).toMatchObject({ code: 'ENOENT' })
  expect(isUnreachable(error)).toBe(true)
})

test('starts beside the socket of a killed server whose process id a stranger has, with commas in its path', async () => {
  const folder = join(dataDir, '..', 'a, "b"')
  const first = await startPostgres({ dataDir: folder })
  const { port } = first
  await first.stop()
  await writeFile(join(folder, `.s.PGSQL.${port}.lock`), `${process.pid}\n${folder}/data\n`)
  const second = await startPostgres({ dataDir: folder, port })
  await second.stop()
  expect(second.socketUrl).toBe(first.socketUrl)
})

test('has no socket where its name would be too long', async () => {
  const server = await startPostgres({ dataDir: join(dataDir, '..', 'x'.repeat(100)) })
  await server.stop()
  expect(server.socketUrl).toBe(server.url)
})

test.runIf(process.platform !== 'win32')('starts without a socket where none can be made', async () => {
  const folder = join(dataDir, '..', 'closed')
  const first = await startPostgres({ dataDir: folder })
  await first.stop()
  await chmod(folder, 0o555)
  const second = await startPostgres({ dataDir: folder })
  const rows = await query(second.socketUrl, (sql) => sql`SELECT 1 AS alive`)
  await second.stop()
  expect(second.socketUrl).toBe(second.url)
  expect(rows).toEqual([{ alive: 1 }])
})

test('is not started without its socket when it fails for another reason', async () => {
  const folder = join(dataDir, '..', 'without-wal')
  const first = await startPostgres({ dataDir: folder })
  await first.stop()
  await rm(join(folder, 'data', 'pg_wal'), { recursive: true })
  await mkdir(join(folder, 'data', 'pg_wal'), { mode: 0o777 })
  await expect(startPostgres({ dataDir: folder })).rejects.toThrow(/did not start: (FATAL|PANIC): /)
  const log = await readFile(join(folder, 'postgres.log'), 'utf8')
  expect(log.match(/starting PostgreSQL/g)).toHaveLength(2)
})

test('comes back on its port with its rows after its process was killed', async () => {
  const first = await startPostgres({ dataDir })
  await query(first.url, (sql) => sql`CREATE TABLE kept AS SELECT 1 AS id`)
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  const second = await startPostgres({ dataDir, port: first.port })
  const rows = await query(second.url, (sql) => sql`TABLE kept`)
  await second.stop()
  expect(rows).toEqual([{ id: 1 }])
  expect(second.url).toBe(first.url)
  expect(second.pid).not.toBe(first.pid)
})

test('starts beside a stranger that has the process id of a killed server', async () => {
  await writeFile(join(dataDir, 'data', 'postmaster.pid'), `${process.pid}\n`)
  const server = await startPostgres({ dataDir })
  await server.stop()
  expect(isAlive(process.pid)).toBe(true)
  expect(await readdir(join(dataDir, 'data'))).not.toContain('postmaster.pid')
})

test('starts although a power cut left its lock file empty', async () => {
  await writeFile(join(dataDir, 'data', 'postmaster.pid'), '')
  const server = await startPostgres({ dataDir })
  await server.stop()
  expect(await readdir(join(dataDir, 'data'))).not.toContain('postmaster.pid')
})

test('refuses a folder on which another server runs', async () => {
  const server = await startPostgres({ dataDir })
  await expect(startPostgres({ dataDir })).rejects.toThrow(/another Postgres .* is running/)
  const rows = await query(server.url, (sql) => sql`SELECT 1 AS alive`)
  await server.stop()
  expect(rows).toEqual([{ alive: 1 }])
})

test('says why it does not start in the same words each time', async () => {
  await expect(startPostgres({ dataDir, settings: { port: 'none' } })).rejects.toThrow(
    /^postgres did not start: FATAL: {2}.*invalid value for parameter "port": "none"/,
  )
})

test('leaves no server behind when the database cannot be made', async () => {
  const settings = { default_transaction_read_only: 'on' }
  const starting = startPostgres({ dataDir, database: 'another', settings })
  await expect(starting).rejects.toThrow(/without the database another: .*read-only transaction/)
  await expect(starting).rejects.toBeInstanceOf(ComponentError)
  const server = await startPostgres({ dataDir })
  await server.stop()
})

test('listens to this machine only, and asks for a password that only its owner can read', async () => {
  const server = await startPostgres({ dataDir })
  const outside = Object.values(networkInterfaces()).flatMap((them) => them ?? [])
  const open = await Promise.all(outside.filter((it) => !it.internal).map((it) => connects(it.address, server.port)))
  const url = new URL(server.url)
  url.password = 'wrong'
  await expect(query(url.href, (sql) => sql`SELECT 1`)).rejects.toMatchObject({ code: '28P01' })
  await server.stop()
  expect(open).not.toContain(true)
  expect((await stat(join(dataDir, 'password'))).mode & 0o777).toBe(0o600)
})

// initdb, or a guardian that still waits for it, is in the middle of its work in the folder where the next one begins.
test.runIf(process.platform === 'linux').for(['parent', 'guardian'])(
  'starts on a folder whose first start ended when its %s was killed',
  async (victim) => {
    const { firstDir, parent } = await startInTheMiddle()
    const pid = parent.pid ?? 0
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')
    if (victim === 'guardian') for (const child of children) process.kill(Number(child), 'SIGKILL')
    parent.kill('SIGKILL')
    const server = await startPostgres({ dataDir: firstDir })
    const rows = await query(server.url, (sql) => sql`SELECT 1 AS alive`)
    await server.stop()
    expect(rows).toEqual([{ alive: 1 }])
    expect((await readdir(firstDir)).filter((name) => name.startsWith('data.new'))).toEqual([])
  },
)

/** A start that is in the middle of its work. One that was done before anybody looked is ended, and another begun. */
const startInTheMiddle = async () => {
  for (;;) {
    const firstDir = await mkdtemp(join(dataDir, '..', 'first-'))
    const parent = startsElsewhere(firstDir)
    const made = async () => (await readdir(firstDir)).filter((name) => /^data(\.new.*)?$/.test(name))
    await expect.poll(made, { interval: 10 }).not.toEqual([])
    if (!(await made()).includes('data')) return { firstDir, parent }
    parent.kill('SIGKILL')
  }
}

/** Another process that starts a server on a folder, and says its process id. */
const startsElsewhere = (folder: string) => {
  const script = `const { startPostgres } = await import(${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)})
    const { pid } = await startPostgres({ dataDir: ${JSON.stringify(folder)} })
    console.log(pid)`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
}

test('ends when the process that started it is killed', async () => {
  const parent = startsElsewhere(dataDir)
  const [line] = await once(parent.stdout, 'data')
  const pid = Number(line)
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await expect.poll(() => isAlive(pid)).toBe(false)
  expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).toContain('database system is shut down')
})

// The guardian's process id is in /proc only.
test.runIf(process.platform === 'linux')('ends when its guardian is killed', async () => {
  const server = await startPostgres({ dataDir })
  const guardian = Number((await readFile(`/proc/${server.pid}/stat`, 'utf8')).split(') ').at(-1)?.split(' ')[1])
  process.kill(guardian, 'SIGKILL')
  await server.exited
  await expect.poll(() => isAlive(server.pid)).toBe(false)
})
