import type { MetricTotal } from '../../db/queries/metrics.ts'
import { ENDED } from '../jobs/states.ts'
import { DELIVERIES } from '../live/gateway.ts'
import type { Depths } from '../queue/depths.ts'
import { QUEUES, UNKNOWN_QUEUE } from '../queue/doorbells.ts'
import { boundsOf, type GaugeName, type Labels, type MetricName, metricOf } from './catalogue.ts'
import { STINT_OUTCOMES } from './jobs.ts'

/** One line of the text format. */
export interface Sample {
  metric: string
  /** The metric's, or one of a histogram's: `…_bucket`, `…_sum`, `…_count`. */
  name: string
  labels: Record<string, string>
  value: number
}

/**
 * Counters and histograms from the totals of all processes. Metrics that aren't in the catalogue (any more) are left out. Those
 * that are in it are there from the beginning, with 0: a counter that begins with its first count never shows an increase.
 */
export const toSamples = (totals: MetricTotal[]): Sample[] => {
  const series = new Map<string, MetricTotal[]>()
  for (const total of [...zeros(totals), ...totals]) {
    const labels = metricOf(total.metric)?.labels
    if (!labels || Object.keys(total.labels).length !== labels.length) continue
    if (labels.some((label) => total.labels[label] === undefined)) continue
    const key = [total.metric, ...labels.map((label) => total.labels[label])].join('\n')
    const known = series.get(key)
    if (known) known.push(total)
    else series.set(key, [total])
  }
  return [...series.values()].flatMap(toSeries)
}

const toSeries = (parts: MetricTotal[]): Sample[] => {
  const [first] = parts
  const metric = first && metricOf(first.metric)
  if (!metric) return []
  const { metric: name } = first
  const labels = Object.fromEntries(metric.labels.map((label) => [label, first.labels[label] ?? '']))
  const sum = (some: MetricTotal[]): number => some.reduce((all, { total }) => all + total, 0)
  if (metric.type === 'counter') return [{ metric: name, name, labels, value: sum(parts) }]

  const buckets = parts.filter(({ part }) => part !== 'sum').map((it) => ({ ...it, bound: toBound(it.part) }))
  return [
    ...boundsOf(metric).map((le) => {
      const value = sum(buckets.filter(({ bound }) => bound <= toBound(le)))
      return { metric: name, name: `${name}_bucket`, labels: { ...labels, le }, value }
    }),
    { metric: name, name: `${name}_sum`, labels, value: sum(parts.filter(({ part }) => part === 'sum')) },
    { metric: name, name: `${name}_count`, labels, value: sum(buckets) },
  ]
}

const toBound = (part: string): number => (part === '+Inf' ? Number.POSITIVE_INFINITY : Number(part))

/** What can happen, but may not have happened yet. */
const zeros = (totals: MetricTotal[]): MetricTotal[] => {
  const submitted = totals.filter(({ metric }) => metric === 'stint_jobs_submitted_total')
  const kinds = [...new Set(submitted.map(({ labels }) => labels['kind'] ?? ''))]
  return [
    ...kinds.flatMap((kind) => ENDED.map((state) => zero('stint_jobs_finished_total', { kind, state }))),
    ...kinds.map((kind) => zero('stint_jobs_expired_total', { kind })),
    ...kinds.map((kind) => zero('stint_job_run_seconds', { kind }, 'sum')),
    ...STINT_OUTCOMES.map((outcome) => zero('stint_stints_total', { outcome })),
    zero('stint_stints_fenced_total', {}),
    ...QUEUES.flatMap((queue) => [
      zero('stint_job_wait_seconds', { queue }, 'sum'),
      zero('stint_claims_total', { queue, result: 'some' }),
      zero('stint_claims_total', { queue, result: 'none' }),
      zero('stint_doorbells_sent_total', { queue }),
    ]),
    ...[...QUEUES, UNKNOWN_QUEUE].map((queue) => zero('stint_doorbells_dead_total', { queue })),
    ...DELIVERIES.map((result) => zero('stint_live_deliveries_total', { result })),
  ]
}

const zero = <Name extends MetricName>(metric: Name, labels: Labels<Name>, part = 'total'): MetricTotal => ({
  metric,
  labels,
  part,
  total: 0,
})

export interface Rows {
  depths: Depths
  outbox: { events: number; lagSeconds: number }
}

/** Gauges, read from rows. */
export const toGauges = ({ depths, outbox }: Rows): Sample[] => [
  ...depths.queues.flatMap(({ name: queue, pausedAt, blocked, queued, delayed, running, oldestDueSeconds }) => {
    const states = { blocked, delayed, queued, running }
    return [
      ...Object.entries(states).map(([state, count]) => gauge('stint_queue_depth', { queue, state }, count)),
      gauge('stint_queue_oldest_due_seconds', { queue }, oldestDueSeconds ?? 0),
      gauge('stint_queue_paused', { queue }, pausedAt ? 1 : 0),
    ]
  }),
  gauge('stint_queue_counted_seconds_ago', {}, depths.countedSecondsAgo),
  gauge('stint_outbox_events', {}, outbox.events),
  gauge('stint_outbox_lag_seconds', {}, outbox.lagSeconds),
]

/** How long the oldest end that is not yet counted at all children has waited. */
export const toUncountedGauge = (seconds: number): Sample => gauge('stint_uncounted_end_seconds', {}, seconds)

const gauge = <Name extends GaugeName>(name: Name, labels: Labels<Name>, value: number): Sample => ({
  metric: name,
  name,
  labels,
  value,
})
