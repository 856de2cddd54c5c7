/** What becomes of a batch of events for one WebSocket: `gone`, it was closed; `failed`, it could not be told and was cut off. */
export const DELIVERIES = ['sent', 'gone', 'failed'] as const
export type Delivery = (typeof DELIVERIES)[number]

/** The seam to who holds the WebSockets: API Gateway's @connections API, or the local host that speaks it too. */
export interface LiveGateway {
  /** `gone`: the connection is closed, or not open yet. @throws when it can't be told, or the message isn't taken */
  post(connectionId: string, frame: string): Promise<'sent' | 'gone'>
  /** Ends a connection; one that is gone is no error. */
  close(connectionId: string): Promise<void>
  end(): void
}
