/** The seam to the mail server. */
export interface Mailer {
  /**
   * Hands a composed mail over for some recipients, in one exchange.
   * @throws when the exchange failed, and it is worth another try
   */
  send(mail: { messageId: string; bytes: Buffer }, envelope: Envelope): Promise<Delivery>
  close(): void
}

/** Sender and recipients for the server, whatever the headers say. */
interface Envelope {
  from: string
  to: string[]
}

/** What became of each recipient. */
export interface Delivery {
  /** The server has taken the mail for them, and is responsible from now on. */
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
