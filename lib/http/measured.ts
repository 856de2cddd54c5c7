import { appOfProcess } from '../app.ts'
import type { AnyDeclaration, HttpHandler } from './route.ts'

/** Counts a route's answers and the time that they take. */
export const measured =
  ({ method, path }: Pick<AnyDeclaration, 'method' | 'path'>, handler: HttpHandler): HttpHandler =>
  async (event, context) => {
    const startedMs = performance.now()
    const answer = await handler(event, context)
    // Without a valid configuration there is no app, and the answer says so.
    const app = context.app ?? (await appOfProcess().catch(() => undefined))
    if (!app) return answer
    const { metrics, keyUses } = app
    metrics.count('stint_http_requests_total', { method, route: path, status: String(answer.statusCode) })
    const seconds = (performance.now() - startedMs) / 1_000
    metrics.observe('stint_http_request_duration_seconds', { method, route: path }, seconds)
    // Lambda freezes the process after the answer; where the app was given, the process goes on.
    if (!context.app) await Promise.all([metrics.flushIfDue(), keyUses.flush()])
    return answer
  }
