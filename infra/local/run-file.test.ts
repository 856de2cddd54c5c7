import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createRunFile, readRunFile } from './run-file.ts'

const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'stint-run-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

const failed = (error: Error) => {
  throw error
}

test('processes are named while they run', () => {
  const dataDir = folder()
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
  const dataDir = folder()
  expect(readRunFile(dataDir)).toEqual([])
  const file = createRunFile(dataDir, failed)
  file.set({ name: 'postgres', pid: 1, port: 5 })
  file.clear()
  expect(readdirSync(dataDir)).toEqual([])
})

test('a file of another shape is not taken for a list of processes', () => {
  const dataDir = folder()
  writeFileSync(join(dataDir, 'run.json'), '[{"name": "postgres", "pid": "me"}]')
  expect(() => readRunFile(dataDir)).toThrow(/pid/)
})

test('a list that was torn by a power cut names no process', () => {
  const dataDir = folder()
  writeFileSync(join(dataDir, 'run.json'), '')
  expect(readRunFile(dataDir)).toEqual([])
})

test('a change that could not be written is told, and written with the next one', () => {
  const dataDir = folder()
  const failures: string[] = []
  const file = createRunFile(dataDir, ({ message }) => failures.push(message))
  mkdirSync(join(dataDir, 'run.json.new'))
  file.set({ name: 'postgres', pid: 1, port: 5 })
  expect(failures).toEqual([expect.stringContaining('EISDIR')])
  rmdirSync(join(dataDir, 'run.json.new'))
  file.set({ name: 'kafka', pid: 2, port: 6 })
  expect(readRunFile(dataDir).map(({ name }) => name)).toEqual(['postgres', 'kafka'])
})
