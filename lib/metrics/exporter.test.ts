import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { describe, expect, onTestFinished } from 'vitest'
import * as metricTotals from '../../db/queries/metrics.ts'
import { handler } from '../../functions/schedule/metrics.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { readMetrics } from '../../tests/support/metrics.ts'
import { readText } from '../../tests/support/prometheus-text.ts'
import { hasPromtool, promtool } from '../../tests/support/promtool.ts'
import { test, type World } from '../../tests/support/world.ts'
import { METRICS } from './catalogue.ts'
import { expose, pushMetrics } from './exporter.ts'

/** A Pushgateway that keeps what it is given. */
const startPushgateway = async (status = 200) => {
  const pushes: { request: string; headers: IncomingHttpHeaders; body: string }[] = []
  const server = createServer(async (request, response) => {
    const body = await textOf(request)
    pushes.push({ request: `${request.method} ${request.url}`, headers: request.headers, body })
    response.writeHead(status).end(status === 200 ? '' : 'no')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, pushes }
}

const pushingTo = async (world: World, url: string, instance: string) => {
  const app = await world.anotherApp({ instance })
  return { ...app, config: { ...app.config, metrics: { ...app.config.metrics, pushgatewayUrl: url } } }
}

/** What was so long ago when it was written has been so for a while longer when it is read. */
const expectSince = (seconds: number, told: number | undefined): void => {
  expect(told).toBeGreaterThanOrEqual(seconds)
  expect(told).toBeLessThan(seconds + 20)
}

describe('the text', () => {
  test('has every metric of the catalogue, with its type and help, in a format that Prometheus reads', async ({
    world,
  }) => {
    await world.register()
    const { contentType, text } = await expose(world.app)
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    const described = [...readText(text)].map(([name, { type, help }]) => [name, type, help])
    expect(described).toEqual(Object.entries(METRICS).map(([name, { type, help }]) => [name, type, help]))
    if (hasPromtool) expect(promtool(['check', 'metrics'], text)).toEqual({ ok: true, output: '' })
  })

  test('sums what all processes counted, those that are gone included', async ({ world }) => {
    const labels = { kind: 'a"b\\c\nd', queue: 'default' }
    for (const instance of ['one', 'two', 'three']) {
      const app = await world.anotherApp({ instance })
      app.metrics.count('stint_jobs_submitted_total', labels, 10)
      await app.metrics.close()
    }
    world.app.metrics.count('stint_jobs_submitted_total', labels)
    expect((await readMetrics(world.app)).value('stint_jobs_submitted_total', labels)).toBe(31)
    expect((await readMetrics(world.app)).value('stint_jobs_submitted_total', labels)).toBe(31)
  })

  test('has the buckets of a histogram cumulated, over all processes', async ({ world: { app, anotherApp } }) => {
    const other = await anotherApp({ instance: 'other' })
    for (const seconds of [0.001, 0.3, 0.3, 50_000]) {
      app.metrics.observe('stint_job_wait_seconds', { queue: 'bulk' }, seconds)
      other.metrics.observe('stint_job_wait_seconds', { queue: 'bulk' }, seconds)
    }
    await other.metrics.flush()
    const { all, value } = await readMetrics(app)
    const buckets = all
      .get('stint_job_wait_seconds')
      ?.samples.filter((it) => it.name.endsWith('_bucket') && it.labels['queue'] === 'bulk')
      .map((it) => [it.labels['le'], it.value])
    expect(buckets?.slice(0, 6)).toEqual([
      ['0.01', 2],
      ['0.025', 2],
      ['0.05', 2],
      ['0.1', 2],
      ['0.25', 2],
      ['0.5', 6],
    ])
    expect(buckets?.slice(-2)).toEqual([
      ['3600', 6],
      ['+Inf', 8],
    ])
    expect(value('stint_job_wait_seconds_count', { queue: 'bulk' })).toBe(8)
    expect(value('stint_job_wait_seconds_sum', { queue: 'bulk' })).toBeCloseTo(100_001.202, 6)
  })

  test('has what can happen from the beginning, with 0', async ({ world: { app } }) => {
    const before = await readMetrics(app)
    expect(before.value('stint_stints_total', { outcome: 'crashed' })).toBe(0)
    expect(before.value('stint_doorbells_sent_total', { queue: 'compute' })).toBe(0)
    expect(before.value('stint_doorbells_dead_total', { queue: 'unknown' })).toBe(0)
    expect(before.value('stint_live_deliveries_total', { result: 'failed' })).toBe(0)
    app.metrics.count('stint_jobs_submitted_total', { kind: 'math.pi', queue: 'compute' })
    const after = await readMetrics(app)
    expect(after.value('stint_jobs_finished_total', { kind: 'math.pi', state: 'failed' })).toBe(0)
    expect(after.value('stint_job_run_seconds_count', { kind: 'math.pi' })).toBe(0)
  })

  test('leaves out what the catalogue knows no more, and puts buckets of old bounds where they belong', async ({
    world: { app, sql },
  }) => {
    const stored = (metric: string, labels: Record<string, string>, part: string) => ({
      metric,
      labels,
      part,
      total: 1,
    })
    await metricTotals.add(sql, 3, [
      stored('stint_forgotten_total', {}, 'total'),
      stored('stint_jobs_submitted_total', { kind: 'a' }, 'total'),
      stored('stint_jobs_submitted_total', { kind: 'a', queue: 'bulk', tenant: 'x' }, 'total'),
      stored('stint_job_run_seconds', { kind: 'a' }, '0.2'),
      stored('stint_job_run_seconds', { kind: 'a' }, '7'),
    ])
    const { all, counts, value } = await readMetrics(app)
    expect(all.has('stint_forgotten_total')).toBe(false)
    expect(counts('stint_jobs_submitted_total')).toEqual({})
    const upTo = (le: string) => value('stint_job_run_seconds_bucket', { kind: 'a', le })
    expect(['0.1', '0.5', '5', '15', '+Inf'].map(upTo)).toEqual([0, 1, 1, 2, 2])
  })

  test('counts from rows what rows tell', async ({ world }) => {
    const { app, sql } = world
    const [due = '', running = '', blocked = '', ended = ''] = await insertJobs(app, [
      {},
      { queue: 'compute' },
      { queue: 'bulk', waitsFor: 1 },
      {},
      { delaySeconds: 3_600 },
      { queue: 'bulk', concurrencyKey: 'k' },
    ])
    await sql`UPDATE jobs SET start_at = now() - interval '90 seconds' WHERE id = ${due}`
    await sql`UPDATE jobs SET state = 'running', lease_until = now() + interval '1 minute' WHERE id = ${running}`
    await sql`UPDATE jobs SET state = 'succeeded', finished_at = now() - interval '60 seconds' WHERE id = ${ended}`
    await sql`INSERT INTO uncounted_parents VALUES (${ended})`
    await sql`UPDATE queues SET paused_at = now() WHERE name = 'compute'`
    await sql`DELETE FROM outbox`
    await sql`
      INSERT INTO outbox (created_at, events, job_ids, seqs)
      SELECT now() - interval '30 seconds', 4, ARRAY[${blocked}::uuid, ${blocked}, ${blocked}, ${blocked}], '{1,2,3,4}'`

    const { counts, value } = await readMetrics(app)
    expect(counts('stint_queue_depth')).toEqual({
      'default queued': 1,
      'default delayed': 1,
      'compute running': 1,
      'bulk blocked': 1,
      'bulk queued': 1,
    })
    expect(value('stint_queue_depth', { queue: 'compute', state: 'queued' })).toBe(0)
    expectSince(90, value('stint_queue_oldest_due_seconds', { queue: 'default' }))
    expect(value('stint_queue_oldest_due_seconds', { queue: 'compute' })).toBe(0)
    expect(counts('stint_queue_paused')).toEqual({ compute: 1 })
    expectSince(60, value('stint_uncounted_end_seconds'))
    expect(value('stint_outbox_events')).toBe(4)
    expectSince(30, value('stint_outbox_lag_seconds'))
  })
})

test('processes that add to the same totals at once lose nothing and lock nobody out', async ({ world: { sql } }) => {
  const kinds = Array.from({ length: 40 }, (_, i) => `kind-${i}`)
  const totals = kinds.map((kind) => ({ metric: 'stint_x', labels: { kind }, part: 'total', total: 1 }))
  const adds = Array.from({ length: 24 }, (_, i) => metricTotals.add(sql, 7, i % 2 ? totals : totals.toReversed()))
  await Promise.all(adds)
  expect((await metricTotals.list(sql)).map(({ total }) => total)).toEqual(kinds.map(() => 24))
})

describe('the push', () => {
  test('puts everything under one key, which never changes', async ({ world }) => {
    const { url, pushes } = await startPushgateway()
    const app = await pushingTo(world, `${url}/prefix/`, 'one')
    app.metrics.count('stint_jobs_submitted_total', { kind: 'a', queue: 'bulk' })
    await handler.periodic.run(app)
    await handler.periodic.run(app)
    expect(pushes.map(({ request }) => request)).toEqual(Array(2).fill('PUT /prefix/metrics/job/stint'))
    const [first] = pushes.map(({ body }) => readText(body).get('stint_jobs_submitted_total')?.samples)
    expect(first).toEqual([{ name: 'stint_jobs_submitted_total', labels: { kind: 'a', queue: 'bulk' }, value: 1 }])
  })

  test('is one process’s; another takes over when the lease of that one is over', async ({ world }) => {
    const { url, pushes } = await startPushgateway()
    const [one, two] = [await pushingTo(world, url, 'one'), await pushingTo(world, url, 'two')]
    await pushMetrics(one)
    await pushMetrics(two)
    expect(pushes).toHaveLength(1)
    await world.sql`UPDATE runners SET lease_until = now() - interval '1 second'`
    await pushMetrics(two)
    expect(pushes).toHaveLength(2)
  })

  test('asks nobody anything where there is no Pushgateway', async ({ world: { app, sql } }) => {
    await pushMetrics(app)
    expect(await sql`SELECT FROM runners`).toHaveLength(0)
  })

  test('fails when the Pushgateway refuses it or is away, and the pass after it is as good as any', async ({
    world,
  }) => {
    const { url } = await startPushgateway(400)
    await expect(pushMetrics(await pushingTo(world, url, 'one'))).rejects.toThrow('400')
    const away = await pushingTo(world, 'http://127.0.0.1:1', 'one')
    await expect(pushMetrics(away)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const { url: good, pushes } = await startPushgateway()
    await pushMetrics(await pushingTo(world, good, 'one'))
    expect(pushes).toHaveLength(1)
  })
})
