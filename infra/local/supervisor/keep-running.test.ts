import { expect, test } from 'vitest'
import type { Exit } from '../components/component.ts'
import { keepRunning } from './keep-running.ts'

const KILLED: Exit = { code: null, signal: 'SIGKILL' }

/** A component without a process: `die` ends it. */
const fake = (pid: number, port = 5_000) => {
  const { promise: exited, resolve } = Promise.withResolvers<Exit>()
  return {
    name: 'fake',
    pid,
    port,
    exited,
    die: () => resolve(KILLED),
    stop: async () => resolve({ code: 0, signal: null }),
  }
}

const watch = () => {
  const said: string[] = []
  const ups: ((pid: number) => void)[] = []
  return {
    said,
    /** Resolves with the next component that is up. */
    nextUp: () => new Promise<number>((resolve) => ups.push(resolve)),
    hooks: {
      onUp: ({ pid }: { pid: number }, afterMs: number | undefined) => {
        said.push(`up ${pid}${afterMs === undefined ? '' : ' again'}`)
        ups.shift()?.(pid)
      },
      onDown: ({ pid }: { pid: number }, { signal }: Exit) => void said.push(`down ${pid} ${signal}`),
      onFailed: (error: Error) => void said.push(`failed ${error.message}`),
    },
  }
}

test('what dies is started again, with the port it had', async () => {
  const made: ReturnType<typeof fake>[] = []
  const ports: (number | undefined)[] = []
  const { said, nextUp, hooks } = watch()
  const kept = await keepRunning({
    ...hooks,
    start: async (port) => {
      ports.push(port)
      const one = fake(made.length + 1)
      made.push(one)
      return one
    },
  })
  const again = nextUp()
  made[0]?.die()
  expect(await again).toBe(2)
  expect(kept.current?.pid).toBe(2)
  await kept.stop()
  expect(said).toEqual(['up 1', 'down 1 SIGKILL', 'up 2 again'])
  expect(ports).toEqual([undefined, 5_000])
  expect(kept.current).toBeUndefined()
})

test.for([
  { portOf: 'somebody else', isPortFree: false, last: undefined },
  { portOf: 'nobody', isPortFree: true, last: 5_000 },
])('while it does not start, the pauses grow; its port is given up if it is of $portOf', async (given) => {
  let starts = 0
  const pauses: number[] = []
  const ports: (number | undefined)[] = []
  const { said, nextUp, hooks } = watch()
  const first = fake(1)
  const kept = await keepRunning({
    ...hooks,
    pause: async (ms) => void pauses.push(ms),
    isPortFree: async () => given.isPortFree,
    start: async (port) => {
      ports.push(port)
      starts++
      if (starts === 1) return first
      if (starts < 8) throw new Error(`no ${starts}`)
      return fake(starts)
    },
  })
  const again = nextUp()
  first.die()
  expect(await again).toBe(8)
  await kept.stop()
  expect(said.filter((line) => line.startsWith('failed'))).toHaveLength(6)
  expect(pauses).toEqual([200, 400, 800, 1_600, 3_200, 5_000])
  expect(ports).toEqual([undefined, 5_000, 5_000, 5_000, 5_000, 5_000, given.last, given.last])
})

test('what is killed again and again is started at once each time, and what dies of its start is given pauses', async () => {
  const pauses: number[] = []
  const { nextUp, hooks } = watch()
  let clock = 0
  let made = 0
  const one = fake(++made)
  let latest = one
  const kept = await keepRunning({
    ...hooks,
    now: () => clock,
    pause: async (ms) => void pauses.push(ms),
    start: async () => {
      if (made === 1) {
        made++
        return one
      }
      latest = fake(made++)
      return latest
    },
  })
  const dieAfter = async (ms: number): Promise<void> => {
    const again = nextUp()
    clock += ms
    latest.die()
    await again
  }
  for (const ms of [1_500, 3_000, 1_500, 2_000]) await dieAfter(ms)
  expect(pauses).toEqual([])
  for (const ms of [10, 10, 10]) await dieAfter(ms)
  expect(pauses).toEqual([200, 400, 800])
  await dieAfter(2_000)
  expect(pauses).toEqual([200, 400, 800])
  await kept.stop()
})

test('what cannot be started the first time is an error', async () => {
  const { hooks } = watch()
  await expect(keepRunning({ ...hooks, start: () => Promise.reject(new Error('no disk')) })).rejects.toThrow('no disk')
})

test('stopping while it is being started again stops what comes of it', async () => {
  const first = fake(1)
  const second = fake(2)
  const starting = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  let starts = 0
  const { said, hooks } = watch()
  const kept = await keepRunning({
    ...hooks,
    start: async () => {
      if (starts++ === 0) return first
      starting.resolve()
      await go.promise
      return second
    },
  })
  first.die()
  await starting.promise
  const stopped = kept.stop()
  go.resolve()
  await stopped
  expect(await second.exited).toEqual({ code: 0, signal: null })
  expect(said).toEqual(['up 1', 'down 1 SIGKILL', 'up 2 again'])
})

test('what is held stays down until it is resumed, and what is restarted comes back by itself', async () => {
  let made = 0
  const { said, nextUp, hooks } = watch()
  const wants: boolean[] = []
  const kept = await keepRunning({
    ...hooks,
    onDown: (component, exit, wanted) => {
      hooks.onDown(component, exit)
      wants.push(wanted)
    },
    start: async () => fake(++made),
  })
  const second = nextUp()
  await kept.restart()
  expect(await second).toBe(2)
  await kept.hold()
  await expect.poll(() => kept.current).toBeUndefined()
  expect(kept.isHeld).toBe(true)
  await new Promise((resolve) => setImmediate(resolve))
  expect(made).toBe(2)
  const third = nextUp()
  kept.resume()
  expect(await third).toBe(3)
  expect(kept.isHeld).toBe(false)
  await kept.stop()
  expect(wants).toEqual([true, true])
  expect(said).toEqual(['up 1', 'down 1 null', 'up 2 again', 'down 2 null', 'up 3 again'])
})

test('what is held can be ended for good', async () => {
  let made = 0
  const { hooks } = watch()
  const kept = await keepRunning({ ...hooks, start: async () => fake(++made) })
  await kept.hold()
  await kept.stop()
  expect(made).toBe(1)
})
