import { expect, test } from 'vitest'
import { createDiskWatch } from './disk-watch.ts'

const GIGABYTE = 1024 ** 3

/** What is said while a disk has this many bytes left, one look each. */
const saidOf = async (left: (number | Error)[]): Promise<string[]> => {
  const said: string[] = []
  const freeBytes = async () => {
    const bytes = left.shift() ?? expect.unreachable()
    if (bytes instanceof Error) throw bytes
    return bytes
  }
  const watch = createDiskWatch({ folder: '/data', notice: (text) => void said.push(text), freeBytes })
  while (left.length > 0) await watch.look()
  return said
}

test('a disk that is nearly full is told of once, and so is the room that it has again', async () => {
  const said = await saidOf([GIGABYTE, 10_000_000, 0, 0, GIGABYTE, GIGABYTE])
  expect(said).toEqual([
    expect.stringMatching(/^The disk of \/data is full, or nearly so\. Make room/),
    'The disk of /data has room again.',
  ])
})

test('a disk that cannot be looked at is told of, and looked at again', async () => {
  const said = await saidOf([new Error('gone'), new Error('gone'), 0])
  expect(said).toEqual(['/data cannot be looked at: gone', expect.stringContaining('is full')])
})

test('the disk of this folder is looked at', async () => {
  const said: string[] = []
  await createDiskWatch({ folder: '/nowhere', notice: (text) => void said.push(text) }).look()
  expect(said).toEqual([expect.stringContaining('ENOENT')])
})
