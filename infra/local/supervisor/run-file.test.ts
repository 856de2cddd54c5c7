import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts'
import { createRunFile, readRunFile } from './run-file.ts'

const failed = (error: Error) => {
  throw error
}

test('processes are named while they run', () => {
  const dataDir = temporaryFolder()
  const file = createRunFile(dataDir, failed)
  file.set({ name: 'postgres', pid: 1, port: 5 })
  file.set({ name: 'kafka', pid: 2, port: 6, address: '127.0.0.1:6' })
  file.set({ name: 'postgres', pid: 3, port: 5 })
  file.remove('kafka')
  file.remove('nobody')
  expect(readRunFile(dataDir)).toEqual([{ name: 'postgres', pid: 3, port: 5 }])
  expect(readdirSync(dataDir)).toEqual(['run.json'])
})

test('a folder on which nothing runs has no processes', () => {
  const dataDir = temporaryFolder()
  expect(readRunFile(dataDir)).toEqual([])
  const file = createRunFile(dataDir, failed)
  file.set({ name: 'postgres', pid: 1, port: 5 })
  file.clear()
  expect(readdirSync(dataDir)).toEqual([])
})

test('a file of another shape is not taken for a list of processes', () => {
  const dataDir = temporaryFolder()
  writeFileSync(join(dataDir, 'run.json'), '[{"name": "postgres", "pid": "me"}]')
  expect(() => readRunFile(dataDir)).toThrow(/pid/)
})

test('a list that was torn by a power cut names no process', () => {
  const dataDir = temporaryFolder()
  writeFileSync(join(dataDir, 'run.json'), '')
  expect(readRunFile(dataDir)).toEqual([])
})

test('a change that could not be written is told, and written with the next one', () => {
  const dataDir = temporaryFolder()
  const failures: string[] = []
  const file = createRunFile(dataDir, ({ message }) => failures.push(message))
  mkdirSync(join(dataDir, 'run.json.new'))
  file.set({ name: 'postgres', pid: 1, port: 5 })
  expect(failures).toEqual([expect.stringContaining('EISDIR')])
  rmdirSync(join(dataDir, 'run.json.new'))
  file.set({ name: 'kafka', pid: 2, port: 6 })
  expect(readRunFile(dataDir).map(({ name }) => name)).toEqual(['postgres', 'kafka'])
})
