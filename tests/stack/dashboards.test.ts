import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect } from 'vitest'
import { handler as metrics } from '../../functions/schedule/metrics.ts'
import { givenStack } from '../support/given-stack.ts'
import { test, type World } from '../support/world.ts'

// With a real Pushgateway and a real Prometheus, which `npm run test:stack` starts.

const { pushgatewayUrl = '', prometheusUrl = '' } = givenStack()

interface Panel {
  title: string
  targets?: { expr: string }[]
}

const folder = new URL('../../infra/grafana/dashboards/', import.meta.url)
const queries = readdirSync(folder).flatMap((file) => {
  const { panels } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { panels: Panel[] }
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ file, title, expr })))
})

/** As Grafana fills it in when everything is chosen. */
const filledIn = (expr: string): string => expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$\w+/g, '.*')

const ask = async (path: string, query: Record<string, string>): Promise<unknown> => {
  const answer = await fetch(`${prometheusUrl}/api/v1/${path}?${new URLSearchParams(query)}`)
  const { status, error, data } = (await answer.json()) as { status: string; error?: string; data: unknown }
  if (status !== 'success') throw new Error(error)
  return data
}

/** How many series of a query have a number just now. */
const seriesOf = async (expr: string): Promise<number> => {
  const { result } = (await ask('query', { query: filledIn(expr) })) as { result: { value: [number, string] }[] }
  return result.filter(({ value: [, number] }) => number !== 'NaN').length
}

/** Something of everything: jobs that succeed, fail, go on, wait and are cancelled, and requests of all kinds. */
const live = async (world: World, token: string): Promise<void> => {
  const submit = (kind: string, input: object, more: object = {}) =>
    world.http('POST', '/jobs', { token, body: { kind, input, ...more } })
  await submit('debug.noop', { steps: 2 })
  await submit('math.pi', { digits: 30 })
  await submit('serials.generate', { deviceModelCode: 'none', start: 1, count: 1 }, { maxAttempts: 1 })
  await submit('debug.noop', { steps: 1 }, { delaySeconds: 600 })
  await submit('debug.noop', { steps: 40, stepMs: 50 })
  for (const queue of ['default', 'compute', 'bulk'] as const) await world.work(queue, { functionSeconds: 2 })
  const waits = await submit('debug.noop', {})
  await world.http('POST', `/jobs/${waits.body.job.id}/cancel`, { token })
  await submit('debug.noop', {})
  await world.http('GET', '/jobs/00000000-0000-7000-8000-000000000000', { token })
  await metrics.periodic.run(world.app)
}

describe.skipIf(!prometheusUrl)('Prometheus', () => {
  test.override({ environment: { PUSHGATEWAY_URL: pushgatewayUrl } })

  test('has data for every query of every dashboard', { timeout: 300_000 }, async ({ world }) => {
    const { accessToken: token } = await world.register()
    await live(world, token)
    // A rate needs a rise between two scrapes; and there may be a look at any of them.
    const empty = async (): Promise<string[]> => {
      await live(world, token)
      const counted = await Promise.all(queries.map(async (it) => ({ ...it, series: await seriesOf(it.expr) })))
      return counted.filter(({ series }) => series === 0).map(({ file, title, expr }) => `${file}, ${title}: ${expr}`)
    }
    await expect.poll(empty, { timeout: 240_000, interval: 2_000 }).toEqual([])
  })

  test('has read our rules, and finds nothing wrong with them', async () => {
    const { groups } = (await ask('rules', {})) as { groups: { rules: { name: string; health: string }[] }[] }
    const rules = groups.flatMap((group) => group.rules)
    expect(rules.length).toBeGreaterThan(5)
    expect(rules.filter(({ health }) => health === 'err')).toEqual([])
  })
})
