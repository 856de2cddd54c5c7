import { expect, test } from 'vitest'
import { type Read, readNewest } from './newest.ts'

/** A list of this many lines, in pages of a hundred, the newest first. */
const listOf = (count: () => number) => {
  const asked: (string | undefined)[] = []
  const load = async (cursor: string | undefined) => {
    asked.push(cursor)
    const before = cursor === undefined ? count() + 1 : Number(cursor)
    const ids = Array.from({ length: Math.min(100, before - 1) }, (_, nth) => ({ id: before - 1 - nth }))
    const oldest = ids.at(-1)?.id ?? 1
    return { items: ids, nextCursor: oldest > 1 ? `${oldest}` : null }
  }
  return { asked, load }
}

const idsOf = (read: Read<{ id: number }>) => [read.items[0]?.id, read.items.at(-1)?.id, read.items.length]

test('a list of a hundred thousand is opened at its end by one request', async () => {
  const { asked, load } = listOf(() => 100_000)
  const read = await readNewest(load, () => undefined)
  expect(asked).toHaveLength(1)
  expect(idsOf(read)).toEqual([99_901, 100_000, 100])
  expect(read.earlier).toBe('99901')
})

test('what came since is added without a gap, and without reading what is known', async () => {
  let count = 100_000
  const { asked, load } = listOf(() => count)
  const first = await readNewest(load, () => undefined)
  count += 250
  const second = await readNewest(load, () => first)
  expect(asked).toHaveLength(4)
  expect(idsOf(second)).toEqual([99_901, 100_250, 350])
  expect(second.earlier).toBe('99901')
  expect(await readNewest(load, () => second)).toEqual(second)
})

test('a list that grew by more than is read at once, or beyond what is kept, begins anew at its end', async () => {
  let count = 200
  const { asked, load } = listOf(() => count)
  let read = await readNewest(load, () => undefined)
  count += 100_000
  read = await readNewest(load, () => read)
  expect(asked).toHaveLength(11)
  expect(idsOf(read)).toEqual([99_201, 100_200, 1_000])
  for (let round = 0; round < 10; round++) {
    count += 100
    read = await readNewest(load, () => read)
  }
  expect(read.items).toHaveLength(2_000)
  count += 1
  expect(idsOf(await readNewest(load, () => read))).toEqual([101_102, 101_201, 100])
})

test('a list that is empty at first begins with its first line', async () => {
  let count = 0
  const { load } = listOf(() => count)
  const empty = await readNewest(load, () => undefined)
  expect(empty).toMatchObject({ items: [], earlier: null })
  count = 150
  expect(idsOf(await readNewest(load, () => empty))).toEqual([51, 150, 100])
})
