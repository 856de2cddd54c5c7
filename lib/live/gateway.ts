/** How sending events to one WebSocket ended. `gone`: it was closed. `failed`: it took nothing, and was cut off. */
export const DELIVERIES = ['sent', 'gone', 'failed'] as const
export type Delivery = (typeof DELIVERIES)[number]

/** The seam to the holder of the WebSockets: API Gateway's @connections API, or the local host, which has the same API. */
export interface LiveGateway {
  /** `gone`: the connection is closed, or not open yet. @throws when it can't be reached or doesn't take the message */
  post(connectionId: string, frame: string): Promise<'sent' | 'gone'>
  /** Ends a connection; one that is gone is no error. */
  close(connectionId: string): Promise<void>
  end(): void
}
