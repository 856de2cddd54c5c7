import { parser } from '@prometheus-io/lezer-promql'
import { METRICS, metricOf } from '../../lib/metrics/catalogue.ts'

/** What the Pushgateway says of pushes itself. */
const OTHERS: Record<string, readonly string[]> = { push_time_seconds: ['job'] }

/** Labels that Prometheus gives, and those of the text format. */
const ALWAYS = ['job', 'le']

/** What is wrong with a query: its syntax, and metrics and labels that the catalogue doesn't have. */
export const problemsOf = (query: string): string[] => {
  const text = query.replaceAll('$__rate_interval', '1m')
  const problems: string[] = []
  const allowed = new Set(ALWAYS)
  const grouped: string[] = []
  let metricLabels: readonly string[] = []
  parser.parse(text).iterate({
    enter: (node) => {
      const part = text.slice(node.from, node.to)
      if (node.type.isError) problems.push(`syntax, at "${text.slice(node.from, node.from + 20)}"`)
      if (node.name === 'Identifier') {
        const labels = labelsOf(part)
        if (!labels) problems.push(`there is no metric ${part}`)
        metricLabels = labels ?? []
        for (const label of metricLabels) allowed.add(label)
      }
      if (node.name !== 'LabelName') return
      if (node.node.parent?.name === 'GroupingLabels') grouped.push(part)
      else if (!ALWAYS.includes(part) && !metricLabels.includes(part)) problems.push(`no label ${part} in ${text}`)
    },
  })
  for (const label of grouped) if (!allowed.has(label)) problems.push(`nothing in ${text} has the label ${label}`)
  return problems
}

/** The metrics that a query reads. */
export const metricsOf = (query: string): string[] => {
  const text = query.replaceAll('$__rate_interval', '1m')
  const names: string[] = []
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.name === 'Identifier') names.push(text.slice(node.from, node.to))
    },
  })
  return names.map((name) => baseOf(name)?.name ?? name)
}

const labelsOf = (name: string): readonly string[] | undefined => baseOf(name)?.labels ?? OTHERS[name]

/** A histogram is read as its buckets, its sum and its count, and never by its own name. */
const baseOf = (name: string): { name: string; labels: readonly string[] } | undefined => {
  const plain = metricOf(name)
  if (plain) return plain.type === 'histogram' ? undefined : { name, labels: plain.labels }
  const base = name.replace(/_(bucket|sum|count)$/, '')
  const metric = base in METRICS ? metricOf(base) : undefined
  return metric?.type === 'histogram' ? { name: base, labels: metric.labels } : undefined
}
