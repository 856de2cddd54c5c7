import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { MAX_BYTES, MEMORY, PROCESS_BYTES } from './limits.ts'
import { asDeath } from './problems.ts'
import { openReader, type Reader } from './reader.ts'

const opened: Reader[] = []
afterEach(() => Promise.all(opened.splice(0).map((reader) => reader.close())))

const reading = async (
  signal = new AbortController().signal,
  options: Parameters<typeof openReader>[1] = {},
): Promise<Reader> => {
  const reader = await openReader(signal, options)
  opened.push(reader)
  return reader
}

/** It would take hours. */
const ENDLESS = 'SELECT count(*) FROM range(10_000_000) a(i), range(10_000_000) b(j) WHERE (i * j) % 7 = 1'

test('answers one statement after the other', async () => {
  const reader = await reading()
  expect(await reader.ask('SELECT 1 AS a')).toEqual([{ a: 1 }])
  expect(await reader.ask("SELECT 'x' AS a, NULL AS b")).toEqual([{ a: 'x', b: null }])
})

test('reaches its one file, and nothing else', async () => {
  const reader = await reading()
  writeFileSync(reader.path, 'a\n1\n')
  expect(await reader.ask(`SELECT a::INTEGER AS a FROM read_csv('${reader.path}')`)).toEqual([{ a: 1 }])
  for (const refused of [
    `FROM read_csv('/etc/passwd')`,
    `FROM read_text('${import.meta.filename}')`,
    `FROM glob('/*')`,
    `FROM read_csv('https://example.com/a.csv')`,
    `COPY (SELECT 1) TO '${dirname(reader.path)}/other.csv'`,
    `ATTACH '/tmp/other.duckdb'`,
    'INSTALL httpfs',
    'LOAD httpfs',
    `SET memory_limit = '100GB'`,
    'SET enable_external_access = true',
    `SET allowed_paths = ['/etc/passwd']`,
  ])
    await expect(reader.ask(refused), refused).rejects.toThrow(/Permission Error|configuration|disabled|locked/i)
})

/** A file of `/proc`, of a process that may have ended meanwhile. */
const ofProcess = (file: string) => (pid: string) => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

const pidsOf = (reader: Reader): string[] =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && ofProcess('cmdline')(name).includes(reader.path))

test.runIf(process.platform === 'linux')(
  'has room for all of the largest file beside what DuckDB may use',
  async () => {
    const reader = await reading()
    await reader.ask('SELECT 1')
    const [status = ''] = pidsOf(reader).map(ofProcess('status'))
    const reservedBytes = 1_024 * Number(/^VmData:\s*(\d+) kB/m.exec(status)?.[1])
    const duckDbBytes = Number(/^(\d+)GB$/.exec(MEMORY)?.[1]) * 1e9
    expect(PROCESS_BYTES).toBeGreaterThan(1.1 * (reservedBytes + MAX_BYTES + duckDbBytes))
  },
)

test.runIf(process.platform === 'linux')('has nothing of our environment', async () => {
  const reader = await reading()
  await reader.ask('SELECT 1')
  const pids = pidsOf(reader)
  expect(pids).toHaveLength(1)
  const names = pids.map(ofProcess('environ')).flatMap((text) => text.split('\0').map((it) => it.split('=')[0]))
  expect(process.env['PATH']).toBeDefined()
  expect(names.filter((name) => !/^(NODE_CHANNEL_.*|LD_LIBRARY_PATH|PWD|SHLVL|_|OLDPWD|)$/.test(name ?? ''))).toEqual(
    [],
  )
})

test('what takes too much memory is an error, and the reader is still there', async () => {
  const reader = await reading()
  const huge = `SELECT sum(length(x)) FROM (SELECT string_agg(repeat('x', 1_000_000), '') AS x FROM range(4_000))`
  await expect(reader.ask(huge)).rejects.toMatchObject({ code: 'DATA_TOO_LARGE' })
  expect(await reader.ask('SELECT 1 AS a')).toEqual([{ a: 1 }])
})

test('what takes too much of the CPU is an error', async () => {
  const reader = await reading(undefined, { statementSeconds: 0.5 })
  // Each statement has its own time.
  for (const _ of [1, 2, 3]) await reader.ask('SELECT 1')
  await expect(reader.ask(ENDLESS)).rejects.toMatchObject({ name: 'PermanentError', code: 'DATA_TOO_LARGE' })
})

test('stops in the middle of a statement when its job is to stop, with the signal’s reason', async () => {
  const abort = new AbortController()
  const reader = await reading(abort.signal)
  await reader.ask('SELECT 1')
  const asked = reader.ask(ENDLESS)
  const stop = new Error('the job was cancelled')
  abort.abort(stop)
  await expect(asked).rejects.toBe(stop)
  await reader.close()
  expect(existsSync(dirname(reader.path))).toBe(false)
})

test.runIf(process.platform === 'linux')('a signal to the whole process group leaves it to its worker', async () => {
  const reader = await reading()
  await reader.ask('SELECT 1')
  for (const pid of pidsOf(reader)) for (const signal of ['SIGINT', 'SIGTERM']) process.kill(Number(pid), signal)
  expect(await reader.ask('SELECT 1 AS a')).toEqual([{ a: 1 }])
})

test('leaves nothing behind when its parent is killed', async () => {
  const program = `
    const { openReader } = await import(${JSON.stringify(new URL('./reader.ts', import.meta.url).href)})
    const reader = await openReader(new AbortController().signal)
    await reader.ask('CREATE TABLE a AS FROM range(1000)')
    void reader.ask(${JSON.stringify(ENDLESS)})
    console.log(reader.path)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [path] = (await once(createInterface(parent.stdout), 'line')) as [string]
  expect(existsSync(dirname(path))).toBe(true)
  parent.kill('SIGKILL')
  await expect.poll(() => existsSync(dirname(path))).toBe(false)
})

test.for([
  [null, 'SIGSEGV', 'DATA_UNREADABLE'],
  [null, 'SIGABRT', 'DATA_UNREADABLE'],
  [134, null, 'DATA_UNREADABLE'],
  // Whoever lacks memory, or a person, ends it so: the file may be good.
  [null, 'SIGKILL', undefined],
  [null, 'SIGTERM', undefined],
] as const)('a process that ended with %s %s is the file’s fault: %s', ([code, signal, fault]) => {
  expect((asDeath(code, signal) as { code?: string }).code).toBe(fault)
})
