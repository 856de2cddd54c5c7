import type { Registry } from 'prom-client'
import * as metrics from '../../db/queries/metrics.ts'
import * as outbox from '../../db/queries/outbox.ts'
import type { App } from '../app.ts'
import { readDepths } from '../queue/depths.ts'
import { acquireLease } from '../schedule/runner.ts'
import { METRICS } from './catalogue.ts'
import { type Sample, toGauges, toSamples, toUncountedGauge } from './samples.ts'

/**
 * One grouping key for all of Stint: each push replaces the one before it, so no instance overwrites another's numbers
 * and none leaves any behind. One Pushgateway serves one stage.
 */
const JOB = 'stint'

const PUSH_TIMEOUT_MS = 5_000

/** Every metric as it stands now, over all processes, for Prometheus to scrape. */
export const expose = async (app: App): Promise<{ contentType: string; text: string }> => {
  const registry = await collect(app)
  return { contentType: registry.contentType, text: await registry.metrics() }
}

/** Puts every metric into the Pushgateway, if there is one. @throws when it cannot be reached or refuses them */
export const pushMetrics = async (app: App): Promise<void> => {
  const { pushgatewayUrl } = app.config.metrics
  // One at a time: an older push that arrived last would set every counter back.
  if (!pushgatewayUrl || !(await acquireLease(app, 'metrics'))) return
  const { Pushgateway } = await import('prom-client')
  // prom-client puts "/metrics/…" behind whatever the URL ends with.
  const url = pushgatewayUrl.replace(/\/+$/, '')
  await new Pushgateway(url, { timeout: PUSH_TIMEOUT_MS }, await collect(app)).push({ jobName: JOB })
}

const collect = async (app: App): Promise<Registry> => {
  await app.metrics.flush()
  const [totals, depths, uncountedSeconds, waiting] = await Promise.all([
    metrics.list(app.sql),
    readDepths(app),
    metrics.uncountedSeconds(app.sql),
    outbox.measure(app.sql),
  ])
  const gauges = [...toGauges({ depths, outbox: waiting }), toUncountedGauge(uncountedSeconds)]
  return toRegistry([...toSamples(totals), ...gauges])
}

/**
 * prom-client's own metrics belong to one process and can't be set to totals. Its cluster mode merges numbers that other
 * processes have counted, which is what ours are. It is loaded lazily, so that functions that don't export metrics don't pay
 * for it in their cold start.
 */
const toRegistry = async (samples: Sample[]): Promise<Registry> => {
  const { AggregatorRegistry } = await import('prom-client')
  const byMetric = Map.groupBy(samples, ({ metric }) => metric)
  return AggregatorRegistry.aggregate([
    Object.entries(METRICS).map(([name, { type, help }]) => ({
      name,
      type,
      help,
      aggregator: 'first',
      values: (byMetric.get(name) ?? []).map((it) => ({ metricName: it.name, labels: it.labels, value: it.value })),
    })),
  ])
}
