import { appOfProcess } from '../app.ts'
import { beginRequest } from '../tracing/request-span.ts'
import type { AnyDeclaration, HttpHandler } from './declaration.ts'

/** Counts a route's answers and measures how long they take, within a span of the trace. */
export const measured =
  ({ method, path }: Pick<AnyDeclaration, 'method' | 'path'>, handler: HttpHandler): HttpHandler =>
  async (event, context) => {
    const startedMs = performance.now()
    // Without a valid configuration there is no app, and the answer says so.
    const app = context.app ?? (await appOfProcess().catch(() => undefined))
    if (!app) return handler(event, context)
    const { metrics, keyUses, traces } = app
    const span = beginRequest(app, { method, path, traceparent: event.headers['traceparent'] })
    const answer = await handler(event, { ...context, trace: span.context })
    span.end(answer.statusCode ?? 200)
    metrics.count('stint_http_requests_total', { method, route: path, status: String(answer.statusCode) })
    const seconds = (performance.now() - startedMs) / 1_000
    metrics.observe('stint_http_request_duration_seconds', { method, route: path }, seconds)
    // Lambda freezes the process after the answer; where the app was given, the process goes on.
    if (!context.app) await Promise.all([metrics.flushIfDue(), keyUses.flush(), traces.flush()])
    return answer
  }
