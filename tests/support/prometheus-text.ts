interface TextSample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface TextMetric {
  type: string
  help: string
  samples: TextSample[]
}

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (-?[\d.e+-]+|NaN|[+-]Inf)$/
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/gy

/**
 * Reads Prometheus' text format 0.0.4, strictly: each metric in one piece, with its help and its type before its
 * samples. @throws on anything else
 */
export const readText = (text: string): Map<string, TextMetric> => {
  const metrics = new Map<string, TextMetric>()
  let current: [name: string, metric: TextMetric] | undefined
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  for (const line of text.split('\n').filter(Boolean)) {
    const [, what, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (what === 'HELP') {
      if (metrics.has(name)) throw new Error(`${name} comes twice`)
      current = [name, { type: '', help: rest, samples: [] }]
      metrics.set(...current)
    } else if (what === 'TYPE') {
      if (current?.[0] !== name) throw new Error(`the type of ${name} has no help before it`)
      current[1].type = rest
    } else {
      const sample = readSample(line)
      if (!current || !belongs(sample.name, current)) throw new Error(`a line in the wrong place: ${line}`)
      const key = JSON.stringify([sample.name, sample.labels])
      if (current[1].samples.some((it) => JSON.stringify([it.name, it.labels]) === key))
        throw new Error(`twice: ${line}`)
      current[1].samples.push(sample)
    }
  }
  return metrics
}

const belongs = (name: string, [metric, { type }]: [string, TextMetric]): boolean =>
  type === 'histogram' ? ['_bucket', '_sum', '_count'].some((end) => name === metric + end) : name === metric

const readSample = (line: string): TextSample => {
  const [, name, inBraces = '', value] = SAMPLE.exec(line) ?? []
  if (!name) throw new Error(`no line of the text format: ${line}`)
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < inBraces.length) {
    const [, label = '', escaped = ''] = LABEL.exec(inBraces) ?? []
    if (!label || label in labels) throw new Error(`labels that can't be read: ${line}`)
    labels[label] = escaped.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
  }
  return { name, labels, value: Number(value?.replace('Inf', 'Infinity')) }
}
