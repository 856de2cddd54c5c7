/** The seam to whoever carries mails away. */
export interface Mailer {
  /**
   * Hands a composed mail over for some recipients, in one exchange.
   * @throws when none of them was taken, and it is worth another try
   */
  send(mail: { messageId: string; bytes: Buffer }, envelope: Envelope): Promise<Delivery>
  close(): void
}

/** Who a mail goes to and comes from, whatever its header says. */
export interface Envelope {
  from: string
  to: string[]
}

/** What became of each recipient. */
export interface Delivery {
  /** Taken over: the server answers for them from now on. */
  accepted: string[]
  /** Refused for good. */
  rejected: Refusal[]
  /** Refused for now. */
  deferred: Refusal[]
}

export interface Refusal {
  address: string
  /** What the server said. */
  reply: string
}
