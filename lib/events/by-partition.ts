import { partitionOf } from './partitioner.ts'
import { type Message, PartlyPublishedError, TooLargeError } from './publisher.ts'

/**
 * Sends each partition its messages in a request of its own, all at once, so that it is known which partitions took theirs.
 * A job's events are in one partition, and keep their order.
 * @throws {PartlyPublishedError} when some partitions refused; the first one's error when all did
 */
export const sendByPartition = async (
  messages: Message[],
  partitions: number,
  send: (messages: Message[], partition: number) => Promise<unknown>,
): Promise<void> => {
  const parts = Map.groupBy(messages, ({ key }) => partitionOf(key, partitions))
  const taken = new Set<Message>()
  const refused = new Set<number>()
  const errors: unknown[] = []
  const sendPart = async ([partition, part]: [number, Message[]]): Promise<void> => {
    try {
      await send(part, partition)
      for (const message of part) taken.add(message)
    } catch (error) {
      // A smaller request may succeed.
      if (!(error instanceof TooLargeError)) refused.add(partition)
      errors.push(error)
    }
  }
  await Promise.all([...parts].map(sendPart))
  if (errors.length === 0) return
  if (taken.size === 0 && (refused.size === 0 || refused.size === partitions)) throw errors[0]
  throw new PartlyPublishedError(taken, (key) => refused.has(partitionOf(key, partitions)), { cause: errors[0] })
}
