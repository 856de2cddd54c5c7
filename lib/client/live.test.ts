import { expect, test, vi } from 'vitest'
import { follow } from './live.ts'

/** A WebSocket that opens when the test says so. */
class Socket extends EventTarget {
  static readonly made: Socket[] = []
  isClosed = false
  constructor() {
    super()
    Socket.made.push(this)
  }
  send(): void {}
  close(): void {
    this.isClosed = true
  }
}

test('a WebSocket that opens when nobody follows any more is closed: it would stay open for two hours', async () => {
  const following = follow({
    ticket: async () => ({ url: 'ws://localhost/live' }),
    missed: async () => ({ events: [], after: '', hasMore: false, reset: false }),
    onEvents: () => {},
    WebSocket: Socket as unknown as typeof WebSocket,
  })
  const [socket] = await vi.waitUntil(() => Socket.made.length > 0 && Socket.made, { timeout: 30_000 })
  following.stop()
  socket?.dispatchEvent(new Event('open'))
  await expect.poll(() => socket?.isClosed).toBe(true)
})
