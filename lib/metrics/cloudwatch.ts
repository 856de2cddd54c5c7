import * as outbox from '../../db/queries/outbox.ts'
import type { App } from '../app.ts'
import { readDepths } from '../queue/depths.ts'
import { type Sample, toGauges } from './samples.ts'

/** Only the metrics of AWS alarms: CloudWatch charges for each series. */
const ALARMED = new Set(['stint_queue_oldest_due_seconds', 'stint_outbox_lag_seconds'])

/**
 * Tells CloudWatch how long jobs and events wait, by log lines in its embedded metric format, which it turns into metrics.
 * Without a namespace it writes nothing.
 */
export const logForCloudWatch = async (app: App): Promise<void> => {
  const { cloudwatchNamespace } = app.config.metrics
  if (!cloudwatchNamespace) return
  const [depths, waiting] = await Promise.all([readDepths(app), outbox.measure(app.sql)])
  const samples = toGauges({ depths, outbox: waiting }).filter(({ metric }) => ALARMED.has(metric))
  // Whatever the log level is: alarms are wanted even with a quiet log.
  const log = app.log.child({}, { level: 'info' })
  for (const sample of samples) log.info(toEmbedded(cloudwatchNamespace, sample, app.clock.now()), sample.name)
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
const toEmbedded = (namespace: string, { name, labels, value }: Sample, now: number) => ({
  _aws: {
    Timestamp: now,
    CloudWatchMetrics: [
      { Namespace: namespace, Dimensions: [Object.keys(labels)], Metrics: [{ Name: name, Unit: 'Seconds' }] },
    ],
  },
  ...labels,
  [name]: value,
})
