import type { EventRow } from '../../db/queries/events.ts'
import type { Traced } from '../../db/queries/outbox.ts'
import { madeAt } from '../core/ids.ts'
import { readTraceparent, spanIdOf, spanIdOfJob, writeTraceparent } from './trace-context.ts'
import type { TraceSpan, Traces } from './traces.ts'

/** An event with the trace context of its job. */
export interface TracedEvent extends EventRow {
  /** Null if the job has no trace. */
  traced: Traced | null
}

const ENDS = ['job.succeeded', 'job.failed', 'job.cancelled']

/** The trace context of an event's message: under the event's own span if spans are recorded. */
export const traceparentOfEvent = (traces: Traces, event: TracedEvent): string | undefined => {
  const context = readTraceparent(event.traced?.traceparent)
  if (!context) return undefined
  return writeTraceparent(traces.enabled ? { ...context, spanId: spanIdOfEvent(event) } : context)
}

/**
 * Records spans from published events: for each event itself, for the stint that it ends, and for the job that it ends. Only the
 * events are a complete account of a job, even if its worker was killed; and an event that is published twice gives the same
 * spans.
 */
export const recordEvents = (traces: Traces, events: readonly TracedEvent[], publishedMs: number): void => {
  if (!traces.enabled) return
  for (const event of events) for (const span of spansOf(event, publishedMs)) traces.record(span)
}

const spanIdOfEvent = ({ jobId, seq }: EventRow): string => spanIdOf(`${jobId}:${seq}`)

const spansOf = (event: TracedEvent, publishedMs: number): TraceSpan[] => {
  const { jobId, projectId, type, data, traced } = event
  const context = readTraceparent(traced?.traceparent)
  if (!traced || !context?.sampled) return []
  const { kind } = traced
  const { traceId } = context
  const at = event.createdAt.getTime()
  const ofJob = spanIdOfJob(jobId)
  const attributes = { 'stint.job.id': jobId, 'stint.job.kind': kind, 'stint.project.id': projectId }
  const problem = problemOf(data)
  const spans: TraceSpan[] = [
    {
      ...{ name: `publish ${type}`, kind: 'producer', traceId },
      ...{ spanId: spanIdOfEvent(event), parentSpanId: ofJob, startMs: at, endMs: publishedMs },
      attributes: { ...attributes, 'messaging.system': 'kafka', 'stint.event.seq': event.seq },
    },
  ]
  const { stint, runMs, attempt, reason } = data
  if (typeof stint === 'number' && typeof runMs === 'number') {
    spans.push({
      ...{ name: `${kind} stint ${stint}`, kind: 'internal', traceId },
      ...{ spanId: spanIdOf(`${jobId}/${stint}`), parentSpanId: ofJob, startMs: at - runMs, endMs: at },
      attributes: {
        ...{ ...attributes, 'stint.stint': stint, 'stint.outcome': type.replace('job.', '') },
        ...(typeof attempt === 'number' && { 'stint.attempt': attempt }),
        ...(typeof reason === 'string' && { 'stint.reason': reason }),
      },
      ...(problem && { problem }),
    })
  }
  if (ENDS.includes(type)) {
    spans.push({
      ...{ name: kind, kind: 'internal', traceId },
      ...{ spanId: ofJob, parentSpanId: context.spanId === ofJob ? undefined : context.spanId },
      ...{ startMs: madeAt(jobId).getTime(), endMs: at },
      attributes: { ...attributes, 'stint.job.state': type.replace('job.', '') },
      ...(problem && { problem }),
    })
  }
  return spans
}

const problemOf = ({ error }: Record<string, unknown>): string | undefined => {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return 'message' in error ? `${error.code}: ${error.message}` : String(error.code)
}
