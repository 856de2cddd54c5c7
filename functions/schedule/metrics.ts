import { pushMetrics } from '../../lib/metrics/exporter.ts'
import { every } from '../../lib/schedule/every.ts'

/** Each 15 s: all metrics to the Pushgateway, if there is one. */
export const handler = every({ everySeconds: 15, run: pushMetrics })
