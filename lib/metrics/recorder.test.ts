import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { MetricTotal } from '../../db/queries/metrics.ts'
import { METRICS, type Metric } from './catalogue.ts'
import { createRecorder, shardOf, WRITE_EVERY_MS } from './recorder.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const setup = (write = async (_totals: MetricTotal[]): Promise<void> => {}) => {
  const writes: MetricTotal[][] = []
  const log = { warn: vi.fn() }
  const recorder = createRecorder({
    write: async (totals) => {
      await write(totals)
      writes.push(totals)
    },
    log,
    now: Date.now,
  })
  return { recorder, writes, log }
}

/** Postgres, away or slow as the test wants it. */
const database = () => {
  let answer: () => Promise<void> = async () => {}
  return {
    write: () => answer(),
    fails: () => {
      answer = () => Promise.reject(new Error('away'))
    },
    works: () => {
      answer = async () => {}
    },
    hangs: () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      answer = () => promise
      return { resolve, reject }
    },
  }
}

const submitted = (kind: string) => ({ kind, queue: 'default' })
const total = (kind: string, value: number) => ({
  metric: 'stint_jobs_submitted_total',
  labels: submitted(kind),
  part: 'total',
  total: value,
})

test('counts per set of labels, and writes the sums at once', async () => {
  const { recorder, writes } = setup()
  recorder.count('stint_jobs_submitted_total', submitted('a'))
  recorder.count('stint_jobs_submitted_total', { queue: 'default', kind: 'a' }, 4)
  recorder.count('stint_jobs_submitted_total', submitted('b'))
  await recorder.flush()
  expect(writes).toEqual([[total('a', 5), total('b', 1)]])
})

test('what is measured goes into the bucket that it just fits into, and into the sum', async () => {
  const { recorder, writes } = setup()
  for (const seconds of [0, 0.01, 0.011, 3_600, 3_601]) {
    recorder.observe('stint_job_wait_seconds', { queue: 'bulk' }, seconds)
  }
  await recorder.flush()
  const [parts] = writes.map((totals) => Object.fromEntries(totals.map((it) => [it.part, it.total])))
  expect(parts).toEqual({ '0.01': 2, '0.025': 1, '3600': 1, '+Inf': 1, sum: expect.closeTo(7_201.021, 6) })
})

test('writes nothing when nothing was counted', async () => {
  const { recorder, writes } = setup()
  await recorder.flush()
  await vi.advanceTimersByTimeAsync(10 * WRITE_EVERY_MS)
  expect(writes).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

test('writes by itself, once in five seconds', async () => {
  const { recorder, writes } = setup()
  recorder.count('stint_jobs_submitted_total', submitted('a'))
  await vi.advanceTimersByTimeAsync(WRITE_EVERY_MS - 1)
  recorder.count('stint_jobs_submitted_total', submitted('a'))
  expect(writes).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  recorder.count('stint_jobs_submitted_total', submitted('a'))
  expect(writes).toEqual([[total('a', 2)]])
  await vi.advanceTimersByTimeAsync(WRITE_EVERY_MS)
  expect(writes).toEqual([[total('a', 2)], [total('a', 1)]])
})

test('where somebody waits for an answer it writes at once, and then not for five seconds', async () => {
  const { recorder, writes } = setup()
  for (const kind of ['a', 'b', 'c']) {
    recorder.count('stint_jobs_submitted_total', submitted(kind))
    await recorder.flushIfDue()
  }
  expect(writes).toEqual([[total('a', 1)]])
  vi.setSystemTime(Date.now() + WRITE_EVERY_MS)
  await recorder.flushIfDue()
  expect(writes).toEqual([[total('a', 1)], [total('b', 1), total('c', 1)]])
})

test('what could not be written is kept, and written with the next', async () => {
  const postgres = database()
  const { recorder, writes, log } = setup(postgres.write)
  postgres.fails()
  recorder.count('stint_jobs_submitted_total', submitted('a'), 2)
  recorder.observe('stint_job_run_seconds', { kind: 'a' }, 0.1)
  await recorder.flush()
  expect(log.warn).toHaveBeenCalledOnce()
  recorder.count('stint_jobs_submitted_total', submitted('a'))
  recorder.count('stint_jobs_submitted_total', submitted('b'))
  recorder.observe('stint_job_run_seconds', { kind: 'a' }, 0.2)
  await recorder.flush()
  postgres.works()
  await vi.advanceTimersByTimeAsync(WRITE_EVERY_MS)
  const parts = writes.flat().map((it) => [it.metric, it.labels['kind'], it.part, it.total])
  expect(parts).toEqual([
    ['stint_jobs_submitted_total', 'a', 'total', 3],
    ['stint_job_run_seconds', 'a', '0.1', 1],
    ['stint_job_run_seconds', 'a', '0.5', 1],
    ['stint_job_run_seconds', 'a', 'sum', expect.closeTo(0.3)],
    ['stint_jobs_submitted_total', 'b', 'total', 1],
  ])
})

test('what is counted during a write goes into the next, whether the write succeeds or not', async () => {
  const postgres = database()
  const { recorder, writes } = setup(postgres.write)
  const answer = postgres.hangs()
  recorder.count('stint_jobs_submitted_total', submitted('a'))
  const first = recorder.flush()
  await vi.advanceTimersByTimeAsync(0)
  recorder.count('stint_jobs_submitted_total', submitted('a'))
  const second = recorder.flush()
  postgres.works()
  answer.reject(new Error('away'))
  await Promise.all([first, second])
  expect(writes).toEqual([[total('a', 2)]])
})

test('nobody waits longer than a second for a database that does not answer, and nothing is lost', async () => {
  const postgres = database()
  const { recorder, writes } = setup(postgres.write)
  const answer = postgres.hangs()
  recorder.count('stint_jobs_submitted_total', submitted('a'))
  const flushed = recorder.flush()
  await vi.advanceTimersByTimeAsync(1_000)
  await flushed
  expect(writes).toEqual([])
  answer.resolve()
  await recorder.flush()
  expect(writes).toEqual([[total('a', 1)]])
})

test('writes what is left when it is closed, and never again', async () => {
  const { recorder, writes } = setup()
  recorder.count('stint_jobs_submitted_total', submitted('a'))
  await recorder.close()
  recorder.count('stint_jobs_submitted_total', submitted('a'))
  await vi.advanceTimersByTimeAsync(10 * WRITE_EVERY_MS)
  expect(writes).toEqual([[total('a', 1)]])
})

test('processes are spread over the 16 shards', () => {
  const shards = Array.from({ length: 1_000 }, (_, i) => shardOf(`worker-${i}`))
  expect(new Set(shards)).toEqual(new Set(Array.from({ length: 16 }, (_, i) => i)))
  expect(shardOf('worker-1')).toBe(shards[1])
})

test.for(Object.entries<Metric>(METRICS))('%s is named as Prometheus wants it', ([name, { type, buckets }]) => {
  expect(name.endsWith('_total')).toBe(type === 'counter')
  if (type === 'histogram') expect(name).toMatch(/_seconds$/)
  expect(buckets ?? []).toEqual([...new Set(buckets)].toSorted((a, b) => a - b))
  expect((buckets ?? []).length > 0).toBe(type === 'histogram')
})
