import { partitionOf } from './partitioner.ts'
import { type Message, PartlyPublishedError } from './publisher.ts'

/**
 * Sends what each partition gets by itself, all at once, so that it is known which of them took theirs. A job's events are
 * in one partition, and keep their order.
 * @throws {PartlyPublishedError} when some did; what the first one said when none did
 */
export const sendByPartition = async (
  messages: Message[],
  partitions: number,
  send: (messages: Message[]) => Promise<unknown>,
): Promise<void> => {
  const parts = [...Map.groupBy(messages, ({ key }) => partitionOf(key, partitions)).values()]
  const taken = new Set<Message>()
  const errors: unknown[] = []
  const sendPart = async (part: Message[]): Promise<void> => {
    try {
      await send(part)
      for (const message of part) taken.add(message)
    } catch (error) {
      errors.push(error)
    }
  }
  await Promise.all(parts.map(sendPart))
  if (errors.length === 0) return
  if (taken.size === 0) throw errors[0]
  throw new PartlyPublishedError(taken, { cause: errors[0] })
}
