import { PermanentError } from '../../../lib/jobs/define.ts'
import { type Bins, binsOf } from './bins.ts'
import type { Reader } from './reader.ts'
import { type ColumnReport, rounded } from './report.ts'
import { legible, type Table, type TableColumn } from './table.ts'

/** How many values of a column are shown. */
const TOP = 5

/** A column with its number in the view `data`. */
interface Numbered extends TableColumn {
  index: number
}

interface Measured {
  count: number
  min: number | null
  max: number | null
  mean: number | null
  stddev: number | null
  /** At 1, 5, 25, 50, 75, 95 and 99 %. */
  quantiles: number[] | null
}

interface Frequent {
  distinct: number
  top: { value: string; count: number }[] | null
}

/** Describes the columns from `first` on, up to `count` of them, in few passes over the rows. */
export const describe = async (reader: Reader, table: Table, first: number, count: number): Promise<ColumnReport[]> => {
  const columns = table.columns.slice(first, first + count).map((it, place) => ({ ...it, index: first + place }))
  const measured = await measure(reader, columns)
  const histograms = await countBins(reader, columns, measured)
  const reports: ColumnReport[] = []
  for (const column of columns) {
    const { name, type, role, index } = column
    const known = measured.get(index)
    if (!known) throw new Error(`the column ${index} was not measured`)
    const { distinct, top } = await countValues(reader, column, known.count)
    const missing = table.rows - known.count
    reports.push({ name, type, role, missing, distinct, ...spreadOf(column, known), ...histograms.get(index), top })
  }
  return reports
}

const isCounted = ({ role }: TableColumn): boolean => role === 'number' || role === 'time'

/** Numbers, and times in milliseconds. */
const amount = ({ role, index }: Numbered): string =>
  role === 'time' ? `epoch_ms(c${index}::TIMESTAMP)::DOUBLE` : `c${index}::DOUBLE`

const measure = async (reader: Reader, columns: Numbered[]): Promise<Map<number, Measured>> => {
  const fields = columns.map((column) => {
    const count = `'count': count(c${column.index})::DOUBLE`
    if (!isCounted(column)) return `{${count}} AS c${column.index}`
    const x = amount(column)
    const spread = `'min': min(${x}), 'max': max(${x}), 'mean': avg(${x}), 'stddev': stddev_samp(${x})`
    const quantiles = `'quantiles': approx_quantile(${x}, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])`
    return `{${count}, ${spread}, ${quantiles}} AS c${column.index}`
  })
  const [row = {}] = await reader.ask<Record<string, Measured>>(`SELECT ${fields.join(', ')} FROM data`)
  return new Map(columns.map((column) => [column.index, plausible(column, row[`c${column.index}`] as Measured)]))
}

/** The years 1 to 9999. */
const TIMES = { first: -62_135_596_800_000, last: 253_402_300_799_999 }

/**
 * What can't be counted with was left out. Where there is some all the same, a Parquet's metadata said that there is
 * none, and DuckDB didn't look.
 */
const plausible = (column: TableColumn, known: Measured): Measured => {
  const { min, max, mean, stddev, quantiles } = known
  const numbers = [min, max, mean, stddev, ...(quantiles ?? [])].filter((it) => it !== null && it !== undefined)
  const [first, last] = column.role === 'time' ? [TIMES.first, TIMES.last] : [-Number.MAX_VALUE, Number.MAX_VALUE]
  const ends = [min, max].filter((it) => typeof it === 'number')
  if (numbers.every(Number.isFinite) && ends.every((it) => it >= first && it <= last)) return known
  const message = `The file can’t be read: what it says of the column ${column.name} is not so.`
  throw new PermanentError('DATA_UNREADABLE', message)
}

const spreadOf = ({ role }: TableColumn, known: Measured): Partial<ColumnReport> => {
  const { min, max, mean, stddev, quantiles } = known
  if (min === null || max === null || min === undefined || max === undefined) return {}
  if (role === 'time') return { min: timeOf(min), max: timeOf(max) }
  const [, p05 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0] = (quantiles ?? []).map(rounded)
  return {
    min,
    max,
    ...(mean !== null && { mean: rounded(mean) }),
    ...(stddev !== null && { stddev: rounded(stddev) }),
    quantiles: { p05, p25, p50, p75, p95 },
  }
}

const timeOf = (ms: number): string => new Date(ms).toISOString()

const countBins = async (
  reader: Reader,
  columns: Numbered[],
  measured: Map<number, Measured>,
): Promise<Map<number, Pick<ColumnReport, 'histogram'>>> => {
  const binned = columns.flatMap((column) => {
    const bins = isCounted(column) && binsFor(column, measured.get(column.index))
    return bins ? [{ ...column, bins }] : []
  })
  if (binned.length === 0) return new Map()
  const fields = binned.map(({ bins: { from, step, count }, ...column }) => {
    // A value on an edge belongs above it, whatever dividing makes of it.
    const bin = `floor((${amount(column)} - ${sqlNumber(from)}) / ${sqlNumber(step)} + 1e-9)`
    // Without the filter NULL would be a -1: `greatest` passes over it.
    const there = `FILTER (WHERE c${column.index} IS NOT NULL)`
    return `histogram(least(greatest(${bin}, -1), ${count})::INTEGER) ${there} AS c${column.index}`
  })
  const [row = {}] = await reader.ask<Record<string, { key: number; value: string }[]>>(
    `SELECT ${fields.join(', ')} FROM data`,
  )
  return new Map(
    binned.map(({ index, role, bins }) => {
      const counts = new Map((row[`c${index}`] ?? []).map(({ key, value }) => [key, Number(value)]))
      const ends = [bins.from, rounded(bins.from + bins.step * bins.count)] as const
      const [from, to] = role === 'time' ? ends.map(timeOf) : ends
      const histogram = {
        from: from ?? 0,
        to: to ?? 0,
        counts: Array.from({ length: bins.count }, (_, bin) => counts.get(bin) ?? 0),
        below: counts.get(-1) ?? 0,
        above: counts.get(bins.count) ?? 0,
      }
      return [index, { histogram }]
    }),
  )
}

const binsFor = ({ role, type }: TableColumn, known: Measured | undefined): Bins | undefined => {
  if (!known || known.min === null || known.max === null || !known.quantiles) return undefined
  const { min, max, quantiles } = known
  const spread = { min, max, low: quantiles.at(0) ?? min, high: quantiles.at(-1) ?? max }
  const of = role === 'time' ? 'time' : type.endsWith('INT') || type.endsWith('INTEGER') ? 'whole' : 'real'
  return binsOf(spread, of)
}

/** So that no number is a DECIMAL, which has fewer digits than some need. */
const sqlNumber = (value: number): string => `(${value.toExponential()}::DOUBLE)`

/** How many values there are, and which are the most frequent. */
const countValues = async (reader: Reader, { role, index }: Numbered, count: number) => {
  if (role === 'other') return { distinct: null, top: [] }
  const [row] = await reader.ask<Frequent>(
    // Those that are equally frequent in the order of their letters: threads come to them in any.
    `SELECT count(*)::DOUBLE AS distinct, arg_min({'value': value, 'count': n::DOUBLE}, {'n': -n, 'value': value}, ${TOP}) AS top
     FROM (
       SELECT left(c${index}::VARCHAR, 100) AS value, count(*) AS n FROM data WHERE c${index} IS NOT NULL GROUP BY c${index}
     )`,
  )
  const { distinct, top } = row ?? { distinct: 0, top: [] }
  if (distinct === count && distinct > TOP) return { distinct, top: [] }
  return { distinct, top: (top ?? []).map((it) => ({ value: legible(it.value), count: it.count })) }
}
