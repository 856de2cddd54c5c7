import { createHash, randomBytes } from 'node:crypto'

/** A place in a trace: under one of its spans. */
export interface TraceContext {
  /** 32 hex digits. */
  traceId: string
  /** 16 hex digits: the parent of the next span. */
  spanId: string
  /** Whether its spans are recorded at all. */
  sampled: boolean
}

const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/

/**
 * Reads a `traceparent` header. A malformed one is ignored; of a later version, the known part counts (W3C Trace Context, 3.2.2
 * and 4.3).
 */
export const readTraceparent = (header: string | null | undefined): TraceContext | undefined => {
  const [, version, traceId, spanId, flags = '', more] = TRACEPARENT.exec(header ?? '') ?? []
  if (!traceId || !spanId || (version === '00' && more !== undefined)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

export const writeTraceparent = ({ traceId, spanId, sampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`

export const newSpanId = (): string => randomBytes(8).toString('hex')

/** A trace that begins here. @param spanId of its first span */
export const newTrace = (spanId: string, sampled: boolean): TraceContext => ({
  traceId: randomBytes(16).toString('hex'),
  spanId,
  sampled,
})

/** The id of the span of a job's whole life: derived from the job's id, so that it is known before the job has ended. */
export const spanIdOfJob = (jobId: string): string => jobId.replaceAll('-', '').slice(16)

/** A span id derived from a name: recorded twice, it is the same span. */
export const spanIdOf = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 16)
