import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { startChild } from './component.ts'

const child = (options: unknown) =>
  startChild({ name: 'part', entry: 'kafka-process.ts', env: { RUST_LOG: 'off' }, options, readySeconds: 30 })

test('a process that waits for its options starts when they are there', async () => {
  const options = Promise.withResolvers<object>()
  let isReady = false
  const starting = child(options.promise).then((it) => {
    isReady = true
    return it
  })
  const ready = await child({})
  expect(isReady).toBe(false)
  options.resolve({})
  const { stop, exited } = await starting
  await Promise.all([stop(), ready.stop()])
  expect(await exited).toEqual({ code: 0, signal: null })
})

test('a process whose options never come fails with the reason, and is gone', async () => {
  await expect(child(Promise.reject(new Error('no database')))).rejects.toThrow(/^no database$/)
})

test('a process that says something, and never that it is ready, is given up in its time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-component-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const entry = join(folder, 'part.mjs')
  writeFileSync(
    entry,
    "process.on('message', ({ stop }) => (stop ? process.exit(0) : process.send({ type: 'notice' })))",
  )
  const starting = startChild({ name: 'part', entry: pathToFileURL(entry).href, options: {}, readySeconds: 2 })
  await expect(starting).rejects.toThrow(/^part did not start: not ready after 2 s/)
})
