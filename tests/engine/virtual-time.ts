import { vi } from 'vitest'

export interface VirtualTime {
  pass(ms: number): Promise<void>
  /** Gives the real timers back. */
  end(): void
}

/**
 * The time of the processes' own timers and of `performance`: it stands still unless the test moves it. The driver's
 * timers stay real: they watch over connections that really are there.
 */
export const startVirtualTime = (): VirtualTime => {
  const real = { setTimeout, clearTimeout }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  const virtual = { setTimeout, clearTimeout }
  const ofDriver = new WeakSet<object>()

  const startTimer = (...given: Parameters<typeof setTimeout>) => {
    if (!new Error().stack?.includes('node_modules/postgres/')) return virtual.setTimeout(...given)
    const timer = real.setTimeout(...given)
    ofDriver.add(timer)
    return timer
  }
  const stopTimer: typeof clearTimeout = (timer) => {
    if (typeof timer === 'object' && ofDriver.has(timer)) real.clearTimeout(timer)
    else virtual.clearTimeout(timer)
  }
  globalThis.setTimeout = Object.assign(startTimer, { __promisify__: real.setTimeout.__promisify__ })
  globalThis.clearTimeout = stopTimer

  return {
    pass: async (ms) => {
      await vi.advanceTimersByTimeAsync(ms)
    },
    end: () => {
      globalThis.setTimeout = virtual.setTimeout
      globalThis.clearTimeout = virtual.clearTimeout
      vi.clearAllTimers()
      vi.useRealTimers()
    },
  }
}
