import { appendFileSync, closeSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts'
import { appendTo, createLineLog, logPath, openLog, readTail, trimLog } from './log-file.ts'

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})

test('the last lines of a log are read, oldest first', async () => {
  const path = join(folder, 'a.log')
  writeFileSync(path, 'one\ntwo\nthree\n')
  expect(await readTail(path, 2)).toEqual(['two', 'three'])
  expect(await readTail(path, 9)).toEqual(['one', 'two', 'three'])
  writeFileSync(path, '')
  expect(await readTail(path, 9)).toEqual([])
  expect(await readTail(join(folder, 'none.log'), 9)).toEqual([])
})

test('of a long log only the end is read, and no half line', async () => {
  const path = join(folder, 'long.log')
  const lines = Array.from({ length: 20_000 }, (_, n) => `${n} ${'é'.repeat(50)}`)
  writeFileSync(path, lines.join('\n'))
  expect(await readTail(path, 3)).toEqual(lines.slice(-3))
  const all = await readTail(path, 1_000_000)
  expect(all.length).toBeLessThan(lines.length)
  expect(all).toEqual(lines.slice(-all.length))
})

test('lines that were handed over are there', async () => {
  const log = createLineLog(folder, 'kafka')
  log.write('hello')
  log.write('world')
  log.end()
  await expect.poll(() => readTail(logPath(folder, 'kafka'), 5)).toHaveLength(2)
})

test('a log that grows large is put aside while it is written, and so is one that was large before', async () => {
  const path = join(folder, 'a.log')
  const first = appendTo(path, 9)
  for (const line of ['one', 'two', 'three', 'four']) first.write(`${line}\n`)
  first.end()
  expect(await readTail(`${path}.1`, 9)).toEqual(['one', 'two', 'three'])
  const second = appendTo(path, 3)
  second.write('five\n')
  second.end()
  expect(await readTail(`${path}.1`, 9)).toEqual(['four'])
  expect(await readTail(path, 9)).toEqual(['five'])
  expect(readdirSync(folder)).toHaveLength(2)
})

test('a process whose log cannot be opened prints to the output of the one that starts it', () => {
  mkdirSync(logPath(folder, 'worker'), { recursive: true })
  const failures: unknown[] = []
  expect(openLog(folder, 'worker', (error) => failures.push(error))).toBe(process.stdout.fd)
  expect(failures).toMatchObject([{ code: 'EISDIR' }])
})

test('a log that another process keeps open is emptied when it has grown large, and goes on', async () => {
  const path = logPath(folder, 'worker')
  const fd = openLog(folder, 'worker', () => expect.unreachable())
  for (const line of ['one', 'two', 'three']) appendFileSync(fd, `${line}\n`)
  await trimLog(path, 14)
  expect(await readTail(path, 9)).toEqual(['one', 'two', 'three'])
  await trimLog(path, 10)
  appendFileSync(fd, 'four\n')
  closeSync(fd)
  expect(await readTail(`${path}.1`, 9)).toEqual(['two', 'three'])
  expect(await readTail(path, 9)).toEqual(['four'])
})

// A file that is always full.
test.runIf(process.platform === 'linux')('a line that finds no room is lost, and nobody ends of it', () => {
  const log = appendTo('/dev/full', 1_000)
  log.write('hello')
  log.end()
  log.write('too late')
})
