import type { SQSEvent } from 'aws-lambda'
import { afterEach, expect, test, vi } from 'vitest'
import { type App, appOfProcess } from '../app.ts'
import type { InvocationContext } from '../invocation-context.ts'
import { batch } from '../queue/batch.ts'
import { every } from '../schedule/every.ts'
import { noTraces } from '../tracing/traces.ts'

// Lambda freezes a process between its invocations: what was counted is written before, and not in between.

vi.mock('../app.ts', async (original) => ({ ...(await original<object>()), appOfProcess: vi.fn() }))
afterEach(() => {
  vi.resetAllMocks()
})

const setup = () => {
  const happened: string[] = []
  const metrics = { flush: async () => void happened.push('written') }
  const app = { metrics, traces: noTraces } as unknown as App
  const run = async () => {
    happened.push('ran')
    return []
  }
  return { happened, app, run }
}
const event: SQSEvent = { Records: [] }
const time = { getRemainingTimeInMillis: () => 0 } as InvocationContext

test('a batch writes at its end, and leaves it to the timer where the process goes on', async () => {
  const { happened, app, run } = setup()
  await batch(run)(event, { ...time, app })
  expect(happened).toEqual(['ran'])
  vi.mocked(appOfProcess).mockResolvedValue(app)
  await batch(run)(event, time)
  expect(happened).toEqual(['ran', 'ran', 'written'])
})

test('so does a scheduled function, after its last pass', async () => {
  const { happened, app, run } = setup()
  const handler = every({ name: 'count', everySeconds: 1, run: async () => void (await run()) })
  await handler({}, { ...time, app })
  expect(happened).toEqual(['ran'])
  vi.mocked(appOfProcess).mockResolvedValue(app)
  await handler({}, time)
  expect(happened).toEqual(['ran', 'ran', 'written'])
})
