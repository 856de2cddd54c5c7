export interface Metric {
  /** Counters and histograms are what processes count and measure; gauges are read from rows. */
  type: 'counter' | 'histogram' | 'gauge'
  labels: readonly string[]
  help: string
  /** Of a histogram: upper bounds, ascending; above the last one there is one more bucket. */
  buckets?: readonly number[]
}

/** Every metric there is. Dashboards, alerts and whatever counts are checked against it. */
export const METRICS = {
  // HTTP
  stint_http_requests_total: {
    type: 'counter',
    labels: ['method', 'route', 'status'],
    help: 'HTTP requests that were answered.',
  },
  stint_http_request_duration_seconds: {
    type: 'histogram',
    labels: ['method', 'route'],
    help: 'Time from the call of a route to its answer.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  // Jobs
  stint_jobs_submitted_total: {
    type: 'counter',
    labels: ['kind', 'queue'],
    help: 'Jobs that were stored; repeats of a submission are not counted.',
  },
  stint_jobs_finished_total: {
    type: 'counter',
    labels: ['kind', 'state'],
    help: 'Jobs that ended, by the state they ended in.',
  },
  stint_jobs_expired_total: {
    type: 'counter',
    labels: ['kind'],
    help: 'Jobs that nobody had started when they expired; they are among those that ended as cancelled.',
  },
  stint_job_wait_seconds: {
    type: 'histogram',
    labels: ['queue'],
    help: 'Time from when a job is due to the start of a stint.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3_600],
  },
  stint_job_run_seconds: {
    type: 'histogram',
    labels: ['kind'],
    help: 'Running time of jobs that ended, over all their stints.',
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400, 259_200],
  },
  // Engine
  stint_stints_total: {
    type: 'counter',
    labels: ['outcome'],
    help: 'Stints that ended, by their outcome.',
  },
  stint_stints_fenced_total: {
    type: 'counter',
    labels: [],
    help: 'Stints that were fenced off: their job had ended or was run by another one, and nothing of theirs was written.',
  },
  stint_claims_total: {
    type: 'counter',
    labels: ['queue', 'result'],
    help: 'Claims, by whether they found a job (some) or not (none).',
  },
  stint_doorbells_sent_total: {
    type: 'counter',
    labels: ['queue'],
    help: 'Doorbells that SQS took.',
  },
  stint_doorbells_dead_total: {
    type: 'counter',
    labels: ['queue'],
    help: 'Doorbells that SQS gave up, because no worker could answer them.',
  },
  // Live
  stint_live_deliveries_total: {
    type: 'counter',
    labels: ['result'],
    help: 'Batches of events for one WebSocket, by what became of them: sent, gone (it was closed), failed (it was cut off).',
  },
  // Rows
  stint_queue_depth: {
    type: 'gauge',
    labels: ['queue', 'state'],
    help: 'Jobs that have not ended: blocked (by others), delayed (due later), queued (could start now), running.',
  },
  stint_queue_oldest_due_seconds: {
    type: 'gauge',
    labels: ['queue'],
    help: 'How long the longest waiting of the jobs that could start now has been due.',
  },
  stint_queue_counted_seconds_ago: {
    type: 'gauge',
    labels: [],
    help: 'How old depths and longest waits are: 0 up to 10 000 jobs, and up to 40 s for a million.',
  },
  stint_queue_paused: {
    type: 'gauge',
    labels: ['queue'],
    help: '1 while the queue is paused.',
  },
  stint_uncounted_end_seconds: {
    type: 'gauge',
    labels: [],
    help: 'How long ago the first job ended whose end is not counted at all jobs that run after it.',
  },
  stint_outbox_events: {
    type: 'gauge',
    labels: [],
    help: 'Events that Kafka has not got.',
  },
  stint_outbox_lag_seconds: {
    type: 'gauge',
    labels: [],
    help: 'How long the oldest event that Kafka has not got has waited.',
  },
} as const satisfies Record<`stint_${string}`, Metric>

export type MetricName = keyof typeof METRICS
type OfType<T extends Metric['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends T ? Name : never
}[MetricName]
export type CounterName = OfType<'counter'>
export type HistogramName = OfType<'histogram'>
export type GaugeName = OfType<'gauge'>

/** A value for each label of a metric. */
export type Labels<Name extends MetricName> = Readonly<Record<(typeof METRICS)[Name]['labels'][number], string>>

export const metricOf = (name: string): Metric | undefined => (METRICS as Record<string, Metric>)[name]

/** A metric's bounds as they are written in the text format; the last bucket has no end. */
export const boundsOf = (metric: Metric): string[] => [...(metric.buckets ?? []).map(String), '+Inf']
