import { expect, test, vi } from 'vitest'
import { createProbe } from './probe.ts'

const setup = (check: () => Promise<unknown>, timeoutMs = 1_000) => {
  const world = { nowMs: 0, errors: [] as unknown[] }
  const spy = vi.fn(check)
  const probe = createProbe({
    check: spy,
    timeoutMs,
    cacheMs: 1_000,
    onError: (error) => world.errors.push(error),
    now: () => world.nowMs,
  })
  return { world, probe, check: spy }
}

test('a component that answers is well', async () => {
  const { probe } = setup(async () => 'here')
  expect(await probe()).toMatchObject({ ok: true })
})

test('a failure says nothing of what the error says, and the error is told whole', async () => {
  const error = new Error('connect ECONNREFUSED 10.1.2.3:5432 as stint:secret')
  const { probe, world } = setup(() => Promise.reject(error))
  expect(await probe()).toMatchObject({ ok: false, error: 'cannot be reached, or answered with an error' })
  expect(world.errors).toEqual([error])
})

test('however many ask at once, the component is asked once', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { probe, check } = setup(() => promise)
  const all = Array.from({ length: 50 }, () => probe())
  resolve()
  expect(new Set((await Promise.all(all)).map(({ ok }) => ok))).toEqual(new Set([true]))
  expect(check).toHaveBeenCalledTimes(1)
})

test('a result is good for a while, and then no more', async () => {
  const { probe, check, world } = setup(async () => {})
  await probe()
  world.nowMs = 999
  await probe()
  expect(check).toHaveBeenCalledTimes(1)
  world.nowMs = 1_000
  await probe()
  expect(check).toHaveBeenCalledTimes(2)
})

test('no answer in time is a failure, and no second check starts behind one that hangs', async () => {
  const { promise, reject } = Promise.withResolvers<void>()
  const { probe, check, world } = setup(() => promise, 1)
  expect(await probe()).toMatchObject({ ok: false, error: 'no answer within 0.001 s' })
  world.nowMs = 5_000
  expect(await probe()).toMatchObject({ ok: false, error: 'still no answer' })
  expect(check).toHaveBeenCalledTimes(1)

  reject(new Error('at last'))
  await expect.poll(() => world.errors).toHaveLength(1)
  world.nowMs = 10_000
  check.mockResolvedValueOnce('back')
  expect(await probe()).toMatchObject({ ok: true })
})
