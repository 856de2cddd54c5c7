import { expect, test } from 'vitest'
import type { App } from '../app.ts'
import type { InvocationContext } from '../invocation-context.ts'
import { each, every, pass } from './every.ts'

const app = { log: { error: () => {}, info: () => {} } } as unknown as App

/** A function's context with this much time left, which `run` may let go by. */
const functionWith = (functionMs: number) => {
  const time = { leftMs: functionMs }
  const context = { app, getRemainingTimeInMillis: () => time.leftMs } as unknown as InvocationContext
  return { time, context }
}

test('makes pass after pass until only the time is left in which one can end', async () => {
  const { time, context } = functionWith(8_500)
  let passes = 0
  const run = async () => {
    passes++
    time.leftMs -= 1_000
  }
  await every({ name: 'count', everySeconds: 0.001, run })({}, context)
  expect(passes).toBe(4)
})

test('makes one pass when the next one comes after the function’s end, and ends at once', async () => {
  let told: number | undefined
  const handler = every({
    name: 'count',
    everySeconds: 3_600,
    run: async (_app, remainingMs) => {
      told = remainingMs?.()
    },
  })
  await handler({}, functionWith(900_000).context)
  expect(told).toBe(900_000)
})

/** A handler that breaks in each pass but those, of which its function has time for three; and what it logs. */
const breaking = ({ but }: { but: number[] }) => {
  const { time, context } = functionWith(7_500)
  const logged: unknown[] = []
  let nth = 0
  const run = async () => {
    time.leftMs -= 1_000
    nth++
    if (!but.includes(nth)) throw new Error(`pass ${nth} broke`)
  }
  const log = {
    error: ({ err }: { err: Error }) => void logged.push(err.message),
    info: ({ failed }: { failed: number }) => void logged.push(`well after ${failed}`),
  }
  const call = () =>
    every({ name: 'break', everySeconds: 0.001, run })({}, { ...context, app: { log } as unknown as App })
  return { call, logged }
}

test('a pass that fails is logged, and the next one comes', async () => {
  const { call, logged } = breaking({ but: [3] })
  await call()
  expect(logged).toEqual(['pass 1 broke', 'pass 2 broke', 'well after 2'])
})

test.each([
  ['each second', 1, ['no answer', 'well after 1', 'no answer', 'no answer', 'well after 61']],
  ['each hour', 3_600, ['no answer', 'well after 1', ...Array(61).fill('no answer'), 'well after 61']],
])(
  'an outage is logged as it begins and ends, and each minute or pass between: %s',
  async (_, everySeconds, expected) => {
    const logged: unknown[] = []
    const log = {
      error: ({ err }: { err: Error }) => void logged.push(err.message),
      info: ({ failed }: { failed: number }) => void logged.push(`well after ${failed}`),
    }
    let nth = 0
    const run = async () => {
      nth++
      if (nth !== 2 && nth !== 64) throw new Error('no answer')
    }
    const periodic = { name: 'break', everySeconds, run }
    for (let made = 0; made < 64; made++) await pass({ log } as unknown as App, periodic)
    expect(logged).toEqual(expected)
  },
)

test('a function whose last pass fails fails itself, for the alarms that count that', async () => {
  const { call, logged } = breaking({ but: [1] })
  await expect(call()).rejects.toThrow('pass 3 broke')
  expect(logged).toEqual(['pass 2 broke', 'pass 3 broke'])
})

test('of several steps all are done, and what failed is told', async () => {
  const done: string[] = []
  const step = (name: string, error?: Error) => async () => {
    done.push(name)
    if (error) throw error
  }
  await each([step('a'), step('b')])
  await expect(each([step('c', new Error('c broke')), step('d')])).rejects.toThrow('c broke')
  const both = each([step('e', new Error('e broke')), step('f', new Error('f broke'))])
  await expect(both).rejects.toMatchObject({ message: '2 of 2 steps failed', errors: [{}, {}] })
  expect(done).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
})
