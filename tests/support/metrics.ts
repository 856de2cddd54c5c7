import type { App } from '../../lib/app.ts'
import { expose } from '../../lib/metrics/exporter.ts'
import { readText, type TextMetric } from './prometheus-text.ts'

export interface Metrics {
  all: Map<string, TextMetric>
  /** The one sample with exactly these labels; undefined when there is none. */
  value(name: string, labels?: Record<string, string>): number | undefined
  /** A metric's samples that are not 0, by the values of their labels: `{ 'math.pi failed': 2 }`. */
  counts(name: string): Record<string, number>
}

/** Every metric as Prometheus would get it now. */
export const readMetrics = async (app: App): Promise<Metrics> => {
  const all = readText((await expose(app)).text)
  const samples = [...all.values()].flatMap((metric) => metric.samples)
  return {
    all,
    value: (name, labels = {}) =>
      samples.find(
        (it) =>
          it.name === name &&
          Object.keys(it.labels).length === Object.keys(labels).length &&
          Object.entries(labels).every(([label, value]) => it.labels[label] === value),
      )?.value,
    counts: (name) =>
      Object.fromEntries(
        samples
          .filter((it) => it.name === name && it.value !== 0)
          .map((it) => [Object.values(it.labels).join(' '), it.value]),
      ),
  }
}
