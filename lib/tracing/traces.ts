import { newTrace, spanIdOfJob, writeTraceparent } from './trace-context.ts'

/** Something that took a while. Times are milliseconds since the Unix epoch. */
export interface TraceSpan {
  name: string
  kind: 'server' | 'producer' | 'internal'
  traceId: string
  spanId: string
  /** Undefined for the first span of a trace. */
  parentSpanId: string | undefined
  startMs: number
  endMs: number
  attributes: Record<string, string | number | boolean>
  /** Why it failed, if it did. */
  problem?: string
}

/** Where spans go. */
export interface Traces {
  /** If false, nothing is recorded, but the context of callers is still passed on. */
  enabled: boolean
  /** Whether a trace that begins here is to be recorded. */
  sampled(): boolean
  record(span: TraceSpan): void
  /** Sends what was recorded. Never fails: what can't be sent is logged. */
  flush(): Promise<void>
  close(): Promise<void>
}

export const noTraces: Traces = {
  enabled: false,
  sampled: () => false,
  record: () => {},
  flush: async () => {},
  close: async () => {},
}

/** For a job that no request submits: a trace that begins with the job's own span. */
export const ownTraceparent = (traces: Traces, jobId: string): string | null =>
  traces.enabled ? writeTraceparent(newTrace(spanIdOfJob(jobId), traces.sampled())) : null
