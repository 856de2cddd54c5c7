import { logForCloudWatch } from '../../lib/metrics/cloudwatch.ts'
import { pushMetrics } from '../../lib/metrics/exporter.ts'
import { each, every } from '../../lib/schedule/every.ts'

/** Each 15 s: all metrics to the Pushgateway, and to CloudWatch those that alarms look at, if there are such. */
export const handler = every({
  name: 'metrics',
  everySeconds: 15,
  run: (app) => each([() => pushMetrics(app), () => logForCloudWatch(app)]),
})
