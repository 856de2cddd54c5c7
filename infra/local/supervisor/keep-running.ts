import { setTimeout as sleep } from 'node:timers/promises'
import type { Component, Exit } from '../components/component.ts'
import { isFree } from '../components/free-port.ts'

export interface KeepOptions<C extends Component> {
  /** `port` is the one that it had before it died, if that is still free. */
  start: (port: number | undefined) => Promise<C>
  /** It runs. `afterMs` is the time since it died, undefined at the first start. */
  onUp: (component: C, afterMs: number | undefined) => void
  /** `wanted`: it was asked to end. */
  onDown: (component: C, exit: Exit, wanted: boolean) => void
  /** It could not be started again; the next try follows. */
  onFailed: (error: Error) => void
  pause?: (ms: number, signal: AbortSignal) => Promise<void>
  isPortFree?: (port: number) => Promise<boolean>
  /** Milliseconds of a monotonic clock. */
  now?: () => number
}

export interface Kept<C extends Component> {
  /** Undefined while it is down. */
  readonly current: C | undefined
  /** Whether it was ended by {@link Kept.hold}, and waits. */
  readonly isHeld: boolean
  /** Ends it; it is then started again at once. */
  restart(): Promise<void>
  /** Ends it, and leaves it down until {@link Kept.resume}. */
  hold(): Promise<void>
  resume(): void
  stop(): Promise<void>
}

/**
 * A component that lived this long didn't die of how it was started: it is started again at once, however often it is killed.
 */
const STABLE_MS = 1_000
const LONGEST_PAUSE_MS = 5_000
/** Then another program may keep its port. Others know it by this port, so that a full disk, say, is no reason to change it. */
const TRIES_WITH_ITS_PORT = 5

/**
 * Starts a component, and starts it again whenever it dies: at once, and with growing pauses while that doesn't help.
 * @throws what `start` throws, the first time
 */
export const keepRunning = async <C extends Component>(options: KeepOptions<C>): Promise<Kept<C>> => {
  const stopping = new AbortController()
  const { signal } = stopping
  const { pause = pauseUnlessStopped, isPortFree = isFree, now = () => performance.now() } = options
  let current: C | undefined
  let failures = 0
  let wanted = false
  let held: PromiseWithResolvers<void> | undefined

  const startAgain = async (port: number): Promise<C | undefined> => {
    for (let tries = 1; ; tries++) {
      if (failures > 0) await pause(Math.min(LONGEST_PAUSE_MS, 100 * 2 ** failures), signal)
      failures++
      if (signal.aborted) return undefined
      try {
        const isLost = tries > TRIES_WITH_ITS_PORT && !(await isPortFree(port))
        return await options.start(isLost ? undefined : port)
      } catch (error) {
        options.onFailed(error as Error)
      }
    }
  }

  const keep = async (first: C): Promise<void> => {
    let component: C | undefined = first
    let afterMs: number | undefined
    while (component) {
      current = component
      options.onUp(component, afterMs)
      if (signal.aborted) return component.stop()
      if (held) void component.stop()
      const upSince = now()
      const exit: Exit = await component.exited
      current = undefined
      if (signal.aborted) return
      options.onDown(component, exit, wanted || held !== undefined)
      if (wanted || now() - upSince > STABLE_MS) failures = 0
      wanted = false
      await held?.promise
      const diedAt = now()
      component = await startAgain(component.port)
      afterMs = now() - diedAt
    }
  }

  const end = async (): Promise<void> => {
    wanted = current !== undefined
    await current?.stop()
  }
  const resume = (): void => {
    held?.resolve()
    held = undefined
  }

  const keeping = keep(await options.start(undefined))
  return {
    get current() {
      return current
    },
    get isHeld() {
      return held !== undefined
    },
    restart: end,
    hold: async () => {
      held ??= Promise.withResolvers()
      await end()
    },
    resume,
    stop: async () => {
      stopping.abort()
      resume()
      await current?.stop()
      await keeping
    },
  }
}

const pauseUnlessStopped = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => {})
