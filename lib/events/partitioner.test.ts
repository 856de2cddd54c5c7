import { randomBytes } from 'node:crypto'
import { Partitioners, type PartitionMetadata } from 'kafkajs'
import { expect, test } from 'vitest'
import { newId } from '../core/ids.ts'
import { partitionOf } from './partitioner.ts'

const partitions = (count: number) =>
  Array.from({ length: count }, (_, partitionId) => ({ partitionId, leader: 0 })) as PartitionMetadata[]

test("chooses the partition that Kafka's own clients choose", () => {
  const theirs = Partitioners.DefaultPartitioner()
  const ids = Array.from({ length: 2_000 }, () => newId())
  const bytes = Array.from({ length: 2_000 }, (_, i) => randomBytes(i % 60))
  for (const key of [...ids, ...bytes, 'ключ', '']) {
    for (const count of [1, 3, 4, 12]) {
      const given = { topic: 'events', partitionMetadata: partitions(count), message: { key, value: '' } }
      expect(partitionOf(key, count), String(key)).toBe(theirs(given))
    }
  }
})
