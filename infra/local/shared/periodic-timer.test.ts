import { expect, onTestFinished, test, vi } from 'vitest'
import { startPeriodicTimer } from './periodic-timer.ts'

/** A run that ends when it is told to. */
const controlled = () => {
  const begun: (() => void)[] = []
  return {
    begun,
    run: () => new Promise<void>((resolve) => void begun.push(resolve)),
    endLatest: async () => {
      begun.at(-1)?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test('it runs each so many seconds', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const run = vi.fn(async () => {})
  const timer = startPeriodicTimer(2, run)
  await vi.advanceTimersByTimeAsync(6_000)
  expect(run).toHaveBeenCalledTimes(3)
  await timer.stop()
  await vi.advanceTimersByTimeAsync(6_000)
  expect(run).toHaveBeenCalledTimes(3)
})

test('what runs each hour runs within a minute of the start, too', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const run = vi.fn(async () => {})
  const timer = startPeriodicTimer(3_600, run)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(run).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(3_540_000)
  expect(run).toHaveBeenCalledTimes(2)
  await timer.stop()
})

test('a nudge runs it at once', async () => {
  const { begun, run, endLatest } = controlled()
  const timer = startPeriodicTimer(3_600, run)
  timer.nudge()
  expect(begun).toHaveLength(1)
  await endLatest()
  timer.nudge()
  expect(begun).toHaveLength(2)
  await endLatest()
  await timer.stop()
})

test('nudges during a run make one more run after it, and never two at once', async () => {
  const { begun, run, endLatest } = controlled()
  const timer = startPeriodicTimer(3_600, run)
  timer.nudge()
  timer.nudge()
  timer.nudge()
  expect(begun).toHaveLength(1)
  await endLatest()
  expect(begun).toHaveLength(2)
  await endLatest()
  expect(begun).toHaveLength(2)
  await timer.stop()
})

test('stopping waits for the run that is under way and begins no other', async () => {
  const { begun, run, endLatest } = controlled()
  const timer = startPeriodicTimer(3_600, run)
  timer.nudge()
  timer.nudge()
  const stopped = timer.stop()
  await endLatest()
  await stopped
  timer.nudge()
  expect(begun).toHaveLength(1)
})

test('with a time to gather, nudges that come within it make one run, and a stop makes none of them', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const run = vi.fn(async () => {})
  const timer = startPeriodicTimer(3_600, run, () => 40)
  timer.nudge()
  await vi.advanceTimersByTimeAsync(39)
  timer.nudge()
  expect(run).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(80)
  expect(run).toHaveBeenCalledTimes(1)
  timer.nudge()
  await timer.stop()
  expect(run).toHaveBeenCalledTimes(1)
})

test('for how long it gathers may depend on how long the last run took', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const begun: number[] = []
  const run = async () => {
    begun.push(performance.now())
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const timer = startPeriodicTimer(3_600, run, (lastRunMs) => 40 + lastRunMs * 3)
  const from = performance.now()
  for (let n = 0; n < 3; n++) {
    timer.nudge()
    await vi.advanceTimersByTimeAsync(200)
  }
  expect(begun.map((at) => Math.round(at - from))).toEqual([40, 300, 500])
  await timer.stop()
})

test('what is done between two runs waits for the one that is under way, and keeps others waiting', async () => {
  const { begun, run, endLatest } = controlled()
  const timer = startPeriodicTimer(3_600, run)
  const done: string[] = []
  const first = Promise.withResolvers<void>()
  timer.nudge()
  const between = [
    timer.between(async () => {
      done.push('first')
      await first.promise
    }),
    timer.between(async () => void done.push('second')),
  ]
  timer.nudge()
  expect(done).toEqual([])
  await endLatest()
  expect({ done, runs: begun.length }).toEqual({ done: ['first'], runs: 1 })
  first.resolve()
  await Promise.all(between)
  expect({ done, runs: begun.length }).toEqual({ done: ['first', 'second'], runs: 2 })
  await endLatest()
  await timer.stop()
})
