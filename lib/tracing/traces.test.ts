import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect } from 'vitest'
import { readTopic } from '../../tests/support/kafka-reader.ts'
import { type ReceivedSpan, startCollector } from '../../tests/support/otlp-collector.ts'
import { work } from '../../tests/support/worker-run.ts'
import { test, type World } from '../../tests/support/world.ts'

const CALLER = '00f067aa0ba902b7'
const SERVER = 2
const PRODUCER = 4

const collector = await startCollector()
afterAll(() => collector.close())

const toCollector = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }
test.override({ environment: toCollector })

const newTraceId = (): string => randomBytes(16).toString('hex')

const spansOf = (traceId: string): ReceivedSpan[] => collector.spans.filter((span) => span.traceId === traceId)

const submit = async (
  { http, register }: World,
  { headers = {}, input = {} }: { headers?: Record<string, string>; input?: object } = {},
) => {
  const { accessToken: token } = await register()
  const { status, body } = await http('POST', '/jobs', { token, headers, body: { kind: 'debug.noop', input } })
  expect(status).toBe(202)
  return { token, job: body.job }
}

/** Lets everything happen, and be sent. */
const finish = async (world: World, app = world.app): Promise<void> => {
  await work(app, 'default')
  await world.relay()
  await world.app.traces.flush()
}

const headersOf = async ({ app }: World, jobId: string): Promise<(string | undefined)[]> => {
  const messages = await readTopic(app.config.kafka.brokers[0] ?? '', app.config.kafka.topic)
  return messages
    .filter(({ key }) => String(key) === jobId)
    .map(({ headers }) => headers?.['traceparent'] && String(headers['traceparent']))
}

const attribute = (span: ReceivedSpan | undefined, name: string) =>
  span?.attributes.find(({ key }) => key === name)?.value

test('one trace leads from the caller through the request and two stints to the events', async ({ world }) => {
  const trace = newTraceId()
  const headers = { traceparent: `00-${trace}-${CALLER}-01` }
  const { job, token } = await submit(world, { headers, input: { steps: 2 } })
  expect(job.traceId).toBe(trace)
  await finish(world, { ...world.app, cutStint: () => true })

  const spans = spansOf(trace)
  const named = (name: string | RegExp) =>
    spans.filter((it) => (typeof name === 'string' ? it.name === name : name.test(it.name)))
  const [request] = named('POST /jobs')
  expect(request).toMatchObject({ kind: SERVER, parentSpanId: CALLER })
  expect(attribute(request, 'http.response.status_code')).toEqual({ intValue: 202 })
  const [whole] = named('debug.noop')
  expect(whole?.parentSpanId).toBe(request?.spanId)
  expect(attribute(whole, 'stint.job.state')).toEqual({ stringValue: 'succeeded' })

  const stints = named(/^debug\.noop stint \d+$/)
  expect(stints.length).toBeGreaterThanOrEqual(2)
  const { stint, state } = (await world.http('GET', `/jobs/${job.id}`, { token })).body.job
  expect([stint, state]).toEqual([stints.length, 'succeeded'])
  expect(attribute(stints[0], 'stint.outcome')).toEqual({ stringValue: 'continued' })
  for (const it of stints) {
    expect(it.parentSpanId).toBe(whole?.spanId)
    expect(Number(it.startTimeUnixNano)).toBeGreaterThanOrEqual(Number(whole?.startTimeUnixNano))
    expect(Number(it.endTimeUnixNano)).toBeLessThanOrEqual(Number(whole?.endTimeUnixNano))
  }

  const published = named(/^publish job\./)
  expect(published.map(({ kind, parentSpanId }) => [kind, parentSpanId])).toEqual(
    published.map(() => [PRODUCER, whole?.spanId]),
  )
  // Each message leads on from the span of its own event.
  const sent = await headersOf(world, job.id)
  expect(sent.length).toBeGreaterThanOrEqual(5)
  expect(sent).toEqual(published.map(({ spanId }) => `00-${trace}-${spanId}-01`))
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
  expect(collector.service).toBe('stint')
})

test('a request that nobody traces begins a trace', async ({ world }) => {
  const { job } = await submit(world, { headers: { traceparent: 'nonsense' } })
  expect(job.traceId).toMatch(/^[\da-f]{32}$/)
  await finish(world)
  const spans = spansOf(job.traceId)
  const request = spans.find(({ name }) => name === 'POST /jobs')
  expect(request?.parentSpanId ?? '').toBe('')
  expect(spans.find(({ name }) => name === 'debug.noop')?.parentSpanId).toBe(request?.spanId)
})

test('a job that fails says so in its spans', async ({ world }) => {
  const { accessToken: token } = await world.register()
  const input = { fileId: '01a20610-c261-73fa-ae02-ca29c6614cbc', sizes: [{ width: 10 }] }
  const { job } = (await world.http('POST', '/jobs', { token, body: { kind: 'image.resize', input } })).body
  await finish(world)
  const failed = collector.spans.filter(({ traceId, status }) => traceId === job.traceId && status?.code === 2)
  expect(failed.map(({ name }) => name).toSorted()).toEqual(['image.resize', 'image.resize stint 1'])
  expect(failed[0]?.status?.message).toMatch(/^FILE_NOT_FOUND: /)
})

test('an event that is published twice gives the same spans', async ({ world }) => {
  const { job } = await submit(world)
  await finish(world)
  const ids = () => new Set(spansOf(job.traceId).map(({ spanId }) => spanId))
  const before = ids()
  const { refill } = await import('../../db/queries/outbox.ts')
  await refill(world.sql, 100)
  await finish(world)
  expect(ids()).toEqual(before)
})

test('what a caller does not record is passed on, and not recorded', async ({ world }) => {
  const trace = newTraceId()
  const { job } = await submit(world, { headers: { traceparent: `00-${trace}-${CALLER}-00` } })
  await finish(world)
  expect(job.traceId).toBe(trace)
  expect(spansOf(trace)).toEqual([])
  for (const header of await headersOf(world, job.id))
    expect(header).toMatch(new RegExp(`^00-${trace}-[\\da-f]{16}-00$`))
})

test('a job of a schedule begins a trace of its own', async ({ world }) => {
  const { accessToken: token } = await world.register()
  const schedule = { name: 'often', cron: '* * * * *', timeZone: 'UTC', kind: 'debug.noop', input: {} }
  const made = await world.http('POST', '/schedules', { token, body: schedule })
  expect(made.status).toBe(201)
  await world.sql`UPDATE schedules SET next_at = now() - interval '1 second'`
  await world.sweep()
  await finish(world)
  const [job] = (await world.http('GET', '/jobs?kind=debug.noop', { token })).body.items
  const { traceId } = (await world.http('GET', `/jobs/${job.id}`, { token })).body.job
  const whole = collector.spans.find((span) => span.traceId === traceId && span.name === 'debug.noop')
  expect(whole).toBeDefined()
  expect(whole?.parentSpanId ?? '').toBe('')
})

describe('settings', () => {
  test.override({
    environment: {
      ...toCollector,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a%2Cb,x-tenant=7',
      OTEL_SERVICE_NAME: 'my-stint',
      TRACE_URL_TEMPLATE: 'https://traces.example.com/t/{traceId}?full',
    },
  })

  test('name the service, give the collector what it asks for, and link to where traces are shown', async ({
    world,
  }) => {
    const { job, token } = await submit(world)
    await finish(world)
    expect(collector.service).toBe('my-stint')
    expect(collector.headers).toMatchObject({ authorization: 'Bearer a,b', 'x-tenant': '7' })
    const shown = (await world.http('GET', `/jobs/${job.id}`, { token })).body.job
    expect(shown.traceUrl).toBe(`https://traces.example.com/t/${job.traceId}?full`)
  })
})

describe('a part of the traces', () => {
  test.override({
    environment: {
      ...toCollector,
      OTEL_TRACES_SAMPLER_ARG: '0',
      TRACE_URL_TEMPLATE: 'https://traces.example.com/{traceId}',
    },
  })

  test('is recorded: of none there is no link, and of a caller’s all', async ({ world }) => {
    const trace = newTraceId()
    const { job, token } = await submit(world)
    await submit(world, { headers: { traceparent: `00-${trace}-${CALLER}-01` } })
    await finish(world)
    expect((await world.http('GET', `/jobs/${job.id}`, { token })).body.job.traceUrl).toBeNull()
    expect([spansOf(job.traceId).length, spansOf(trace).length > 4]).toEqual([0, true])
  })
})

describe('a collector that is away', () => {
  test.override({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } })

  test('fails no request and no job, and is told in the log', async ({ world }) => {
    const { job, token } = await submit(world)
    await finish(world)
    expect((await world.http('GET', `/jobs/${job.id}`, { token })).body.job.state).toBe('succeeded')
    await expect.poll(() => world.logged.join('')).toContain('spans could not be sent')
  })
})

describe('without a collector', () => {
  test.override({ environment: {} })

  test('a caller’s trace is passed on as it came, and others have none', async ({ world }) => {
    const trace = newTraceId()
    const { job } = await submit(world, { headers: { traceparent: `00-${trace}-${CALLER}-01` } })
    const { job: other } = await submit(world)
    await finish(world)
    expect([job.traceId, other.traceId]).toEqual([trace, null])
    const sent = await headersOf(world, job.id)
    expect(sent).toEqual(sent.map(() => `00-${trace}-${CALLER}-01`))
    expect(await headersOf(world, other.id)).toEqual(sent.map(() => undefined))
  })
})
