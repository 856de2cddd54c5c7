import { expect, test } from 'vitest'
import { MAX_MEMORY_BYTES } from './memory.ts'
import { inTurn } from './room.ts'

/** Pictures that are at work until they are told to end. */
const pictures = () => {
  const atWork: string[] = []
  const done: string[] = []
  const ends = new Map<string, PromiseWithResolvers<void>>()
  /** Runs one as the engine does. @returns resolves when it has ended */
  const come = async (name: string, bytes: number): Promise<void> => {
    const end = Promise.withResolvers<void>()
    ends.set(name, end)
    const work = async () => {
      atWork.push(name)
      await end.promise.finally(() => atWork.splice(atWork.indexOf(name), 1))
      done.push(name)
    }
    const points = inTurn(bytes, work)
    while (!(await points.next()).done);
  }
  return { atWork, done, come, end: (name: string) => ends.get(name)?.resolve(), ends }
}

const LARGE = 0.6 * MAX_MEMORY_BYTES
const SMALL = 0.1 * MAX_MEMORY_BYTES

test('two large ones are not at work at once, while small ones are', async () => {
  const { atWork, come, end } = pictures()
  const all = [come('small', SMALL), come('large', LARGE), come('another small', SMALL), come('another large', LARGE)]
  await expect.poll(() => atWork).toEqual(['small', 'large', 'another small'])
  end('small')
  end('another small')
  await Promise.all([all[0], all[2]])
  expect(atWork).toEqual(['large'])
  end('large')
  await expect.poll(() => atWork).toEqual(['another large'])
  end('another large')
  await Promise.all(all)
})

test('small ones that come later keep a large one waiting no longer', async () => {
  const { atWork, done, come, end } = pictures()
  const all = [come('first', LARGE), come('large', LARGE), come('late', SMALL)]
  end('first')
  await expect.poll(() => done).toEqual(['first'])
  await expect.poll(() => atWork).toEqual(['large', 'late'])
  end('large')
  end('late')
  await Promise.all(all)
})

test('one that waits passes safe points, and gives its place up when it is stopped at one', async () => {
  const { atWork, come, end } = pictures()
  const holder = come('holder', MAX_MEMORY_BYTES)
  const stopped = inTurn(LARGE, () => Promise.reject(new Error('it was to be stopped')))
  expect([await stopped.next(), await stopped.next()]).toEqual(Array(2).fill({ done: false, value: {} }))
  const behind = come('behind', LARGE)
  await stopped.return(undefined as never)
  end('holder')
  await expect.poll(() => atWork).toEqual(['behind'])
  end('behind')
  await Promise.all([holder, behind])
})

test('one that fails leaves its room to others', async () => {
  const { ends, atWork, come, end } = pictures()
  const failing = come('failing', MAX_MEMORY_BYTES)
  ends.get('failing')?.reject(new Error('unreadable'))
  await expect(failing).rejects.toThrow('unreadable')
  const next = come('next', MAX_MEMORY_BYTES)
  await expect.poll(() => atWork).toEqual(['next'])
  end('next')
  await next
})
