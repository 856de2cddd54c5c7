import { setGlobalErrorHandler } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Logger } from '../core/log.ts'
import { waitAtMost } from '../core/wait-at-most.ts'
import type { TraceSpan } from './traces.ts'

export interface OtlpOptions {
  /** Of the collector: `/v1/traces` is added. */
  endpoint: string
  headers: Record<string, string>
  serviceName: string
  version: string
  instance: string
  log: Pick<Logger, 'warn'>
}

export interface SpanSink {
  record(span: TraceSpan): void
  flush(): Promise<void>
  close(): Promise<void>
}

/** How many spans wait for the collector at most; newer ones are dropped. */
const MAX_WAITING = 10_000

/** How long a flush waits for a collector that doesn't answer. */
const PATIENCE_MS = 1_000

const KINDS = { internal: 0, server: 1, producer: 3 } as const
const OK = 0
const ERROR = 2
const SAMPLED = 1

/** Sends spans to an OpenTelemetry collector, by OTLP over HTTP with JSON: those of a second together. */
export const createOtlpSink = ({ log, ...options }: OtlpOptions): SpanSink => {
  setGlobalErrorHandler((error) => log.warn({ err: error }, 'spans could not be sent'))
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: options.headers,
    timeoutMillis: 5_000,
  })
  const processor = new BatchSpanProcessor({
    exporter,
    scheduledDelayMillis: 1_000,
    maxQueueSize: MAX_WAITING,
    maxExportBatchSize: 1_000,
  })
  const resource = resourceFromAttributes({
    'service.name': options.serviceName,
    'service.version': options.version,
    'service.instance.id': options.instance,
  })
  const common = {
    ...{ resource, instrumentationScope: { name: 'stint', version: options.version } },
    ...{ links: [], events: [], ended: true },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  }
  const told = (error: unknown): void => log.warn({ err: error }, 'spans could not be sent')
  return {
    record: (span) => processor.onEnd({ ...common, ...readable(span) }),
    flush: () => waitAtMost(processor.forceFlush().catch(told), PATIENCE_MS),
    close: () => waitAtMost(processor.shutdown().catch(told), PATIENCE_MS),
  }
}

type Own = 'name' | 'kind' | 'spanContext' | 'startTime' | 'endTime' | 'duration' | 'status' | 'attributes'

const readable = (span: TraceSpan): Pick<ReadableSpan, Own | 'parentSpanContext'> => {
  const { traceId, spanId, parentSpanId, problem } = span
  const context = { traceId, spanId, traceFlags: SAMPLED }
  return {
    name: span.name,
    kind: KINDS[span.kind],
    spanContext: () => context,
    ...(parentSpanId && { parentSpanContext: { ...context, spanId: parentSpanId } }),
    startTime: toHrTime(span.startMs),
    endTime: toHrTime(span.endMs),
    duration: toHrTime(Math.max(0, span.endMs - span.startMs)),
    status: problem === undefined ? { code: OK } : { code: ERROR, message: problem },
    attributes: span.attributes,
  }
}

/** Seconds and nanoseconds. */
const toHrTime = (ms: number): [number, number] => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)]
