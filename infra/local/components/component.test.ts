import { expect, test } from 'vitest'
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
