import { expect, test } from 'vitest'
import { lazily } from './lazily.ts'

test('it is made at the first call of a method, once, and the method is still its own', async () => {
  let times = 0
  const sum = {
    of: 40,
    async plus(n: number): Promise<number> {
      return this.of + n
    },
    add: async (n: number) => n,
  }
  const lazy = lazily(async () => {
    times++
    return sum
  })
  const { plus, add } = lazy.methods('plus', 'add')
  expect([times, await lazy.made()]).toEqual([0, undefined])
  expect(await Promise.all([plus(2), add(1), plus(3)])).toEqual([42, 1, 43])
  expect([times, await lazy.made()]).toEqual([1, sum])
})

test('after it was dropped, to be closed, the next call makes another', async () => {
  let times = 0
  const lazy = lazily(async () => ({ nth: ++times, async tell() {} }))
  expect(await lazy.drop()).toBeUndefined()
  await lazy.methods('tell').tell()
  expect((await lazy.drop())?.nth).toBe(1)
  expect(await lazy.made()).toBeUndefined()
  expect((await lazy.get()).nth).toBe(2)
})

test('where it cannot be made, the call says why, there is nothing to close, and the next call tries again', async () => {
  let times = 0
  const lazy = lazily(async (): Promise<{ send(): Promise<string> }> => {
    if (++times === 1) throw new Error('too many open files')
    return { send: async () => 'sent' }
  })
  const { send } = lazy.methods('send')
  await expect(Promise.all([send(), send()])).rejects.toThrow('too many open files')
  expect([times, await lazy.made()]).toEqual([1, undefined])
  expect([await send(), await send(), times]).toEqual(['sent', 'sent', 2])
})
