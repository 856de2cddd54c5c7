export interface Message {
  key: string
  value: Buffer
  headers: Record<string, string>
}

/** The request is too large for the broker. Parts of it may not be. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

/** Some partitions didn't take their messages; others did, or would have. */
export class PartlyPublishedError extends Error {
  override readonly name = 'PartlyPublishedError'
  readonly taken: ReadonlySet<Message>
  /** Whether the messages of a key go to a partition that didn't take its messages. */
  readonly refuses: (key: string) => boolean

  constructor(taken: ReadonlySet<Message>, refuses: (key: string) => boolean, options: ErrorOptions) {
    super(`${taken.size} messages were published, and others were not`, options)
    this.taken = taken
    this.refuses = refuses
  }
}

/** The seam to Kafka. */
export interface Publisher {
  /**
   * Resolves when all in-sync replicas have every message (acks=all).
   * @throws if any is not acknowledged; {PartlyPublishedError} when some partitions took theirs, and it is known which;
   *   {TooLargeError} when they are too large: some of them may have been taken
   */
  publish(topic: string, messages: Message[]): Promise<void>
  /** Resolves when a broker answers. */
  ready(): Promise<void>
  close(): Promise<void>
}
