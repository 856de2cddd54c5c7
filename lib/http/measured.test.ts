import { afterEach, describe, expect, test as plainTest, vi } from 'vitest'
import { readMetrics } from '../../tests/support/metrics.ts'
import { test } from '../../tests/support/world.ts'
import { type App, appOfProcess } from '../app.ts'
import type { InvocationContext } from '../invocation-context.ts'
import { noTraces } from '../tracing/traces.ts'
import type { HttpHandler } from './declaration.ts'
import { measured } from './measured.ts'

vi.mock('../app.ts', async (original) => ({ ...(await original<object>()), appOfProcess: vi.fn() }))
afterEach(() => {
  vi.resetAllMocks()
})

const route = { method: 'GET', path: '/things/{thingId}' } as const
const event = { headers: {} } as Parameters<HttpHandler>[0]

const setup = (statusCode = 200) => {
  const metrics = { count: vi.fn(), observe: vi.fn(), flush: vi.fn(), flushIfDue: vi.fn(), close: vi.fn() }
  const keyUses = { add: vi.fn(), flush: vi.fn() }
  const app = { metrics, keyUses, traces: noTraces } as unknown as App
  return { metrics, keyUses, app, handler: measured(route, async () => ({ statusCode })) }
}

describe('a request', () => {
  test('is counted by its route and status, whatever its address', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    await world.http('GET', `/projects/${projectId}`, { token })
    await world.http('GET', `/projects/${projectId}`, { token })
    await world.http('GET', `/projects/${projectId}`)
    await world.http('GET', '/projects/no-id', { token })
    const { counts, value } = await readMetrics(world.app)
    expect(counts('stint_http_requests_total')).toEqual({
      'POST /auth/register 201': 1,
      'GET /projects 200': 1,
      'GET /projects/{projectId} 200': 2,
      'GET /projects/{projectId} 401': 1,
      'GET /projects/{projectId} 404': 1,
    })
    const labels = { method: 'GET', route: '/projects/{projectId}' }
    expect(value('stint_http_request_duration_seconds_count', labels)).toBe(4)
    expect(value('stint_http_request_duration_seconds_sum', labels)).toBeGreaterThan(0)
  })

  plainTest('that failed is counted like any other', async () => {
    const { metrics, app, handler } = setup(500)
    expect(await handler(event, { app } as InvocationContext)).toEqual({ statusCode: 500 })
    const labels = { method: 'GET', route: '/things/{thingId}' }
    expect(metrics.count.mock.calls).toEqual([['stint_http_requests_total', { ...labels, status: '500' }]])
    expect(metrics.observe.mock.calls).toEqual([['stint_http_request_duration_seconds', labels, expect.any(Number)]])
  })

  plainTest(
    'waits for no write where the process goes on, and where Lambda freezes it for one that is due',
    async () => {
      const { metrics, keyUses, app, handler } = setup()
      await handler(event, { app } as InvocationContext)
      expect(metrics.flushIfDue).not.toHaveBeenCalled()
      expect(keyUses.flush).not.toHaveBeenCalled()
      vi.mocked(appOfProcess).mockResolvedValue(app)
      await handler(event, {} as InvocationContext)
      expect(metrics.flushIfDue).toHaveBeenCalledOnce()
      expect(keyUses.flush).toHaveBeenCalledOnce()
      expect(metrics.flush).not.toHaveBeenCalled()
    },
  )

  plainTest('is answered without an app, which there is none of without a configuration', async () => {
    const { handler } = setup(500)
    vi.mocked(appOfProcess).mockRejectedValue(new Error('AUTH_REFRESH_KEY is missing'))
    expect(await handler(event, {} as InvocationContext)).toEqual({ statusCode: 500 })
  })
})
