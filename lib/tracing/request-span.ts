import type { App } from '../app.ts'
import { newSpanId, newTrace, readTraceparent, type TraceContext } from './trace-context.ts'

export interface RequestSpan {
  /** The trace context for whatever the request makes; undefined if it has none. */
  context: TraceContext | undefined
  end(status: number): void
}

/** Begins the span of a request, in its caller's trace or a new one. If nothing is recorded, the caller's context is passed on. */
export const beginRequest = (
  { traces, clock }: Pick<App, 'traces' | 'clock'>,
  { method, path, traceparent }: { method: string; path: string; traceparent: string | undefined },
): RequestSpan => {
  const caller = readTraceparent(traceparent)
  if (!traces.enabled) return { context: caller, end: () => {} }
  const spanId = newSpanId()
  const context = caller ? { ...caller, spanId } : newTrace(spanId, traces.sampled())
  const startMs = clock.now()
  const end = (status: number): void => {
    if (!context.sampled) return
    traces.record({
      ...{ name: `${method} ${path}`, kind: 'server', traceId: context.traceId, spanId },
      ...{ parentSpanId: caller?.spanId, startMs, endMs: clock.now() },
      attributes: { 'http.request.method': method, 'http.route': path, 'http.response.status_code': status },
      ...(status >= 500 && { problem: `answered ${status}` }),
    })
  }
  return { context, end }
}
