/** The seam to who holds the WebSockets: API Gateway's @connections API, or the local host that speaks it too. */
export interface LiveGateway {
  /** `gone`: the connection is closed, or not open yet. @throws when it can't be told, or the message isn't taken */
  post(connectionId: string, frame: string): Promise<'sent' | 'gone'>
  /** Ends a connection; one that is gone is no error. */
  close(connectionId: string): Promise<void>
  end(): void
}
