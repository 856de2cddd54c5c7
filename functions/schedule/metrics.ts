import { logForCloudWatch } from '../../lib/metrics/cloudwatch.ts'
import { pushMetrics } from '../../lib/metrics/exporter.ts'
import { each, every } from '../../lib/schedule/every.ts'

/** Every 15 s, pushes all metrics to the Pushgateway, and those that alarms use to CloudWatch, if these are configured. */
export const handler = every({
  name: 'metrics',
  everySeconds: 15,
  run: (app) => each([() => pushMetrics(app), () => logForCloudWatch(app)]),
})
