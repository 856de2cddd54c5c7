import { parse } from 'node:path'
import { z } from 'zod'
import { defineJob, type SharedJobContext } from '../../lib/jobs/define.ts'
import type { Drawing } from './chart/drawing.ts'
import { correlate, correlated, strongest } from './data/correlate.ts'
import { MAX_COLUMNS } from './data/limits.ts'
import { chart, columnReport, correlation } from './data/report.ts'
import type { Table } from './data/table.ts'

const table = z.object({
  format: z.enum(['csv', 'parquet']),
  rows: z.number(),
  columns: z.array(columnReport.pick({ name: true, type: true, role: true })),
})

const state = z.object({
  table: table.meta({ description: 'The columns that are described' }),
  columns: z.array(columnReport).meta({ description: 'Those that are' }),
  coefficients: z
    .array(z.array(z.number().nullable()))
    .meta({ description: 'Of each numeric column, with those after it' }),
  charts: z.array(chart).meta({ description: 'Those that are written' }),
})
type State = z.infer<typeof state>

const SIGNS = { comma: ',', semicolon: ';', tab: '\t', bar: '|', point: '.' } as const

/** Reading comes first, and takes about as long as all the rest. */
const READ_SHARE = 0.4

export const dataAnalyze = defineJob({
  kind: 'data.analyze',
  summary: 'Describes a table: types, missing values, distributions, correlations, with charts',
  input: z.strictObject({
    fileId: z
      .uuid()
      .toLowerCase()
      .meta({ description: 'An uploaded CSV or Parquet: at most 1 GiB, 2 000 columns and 500 million rows' }),
    columns: z
      .array(z.string().min(1).max(1_000))
      .min(1)
      .max(MAX_COLUMNS)
      .refine((names) => new Set(names).size === names.length, 'expected different names')
      .optional()
      .meta({ description: 'The columns to describe; by default all, if there are at most 200' }),
    delimiter: z
      .enum(['comma', 'semicolon', 'tab', 'bar'])
      .optional()
      .meta({ description: 'Between the values of a CSV; detected by default' }),
    header: z
      .boolean()
      .optional()
      .meta({ description: 'Whether the first line of a CSV has the column names; detected by default' }),
    skipLines: z.int().min(0).max(1_000).default(0).meta({ description: 'Lines of a CSV to skip before its table' }),
    encoding: z.enum(['utf-8', 'utf-16', 'latin-1']).optional().meta({ description: 'Of a CSV; detected by default' }),
    decimal: z.enum(['point', 'comma']).default('point').meta({ description: 'The decimal separator of a CSV' }),
    missing: z
      .array(
        z
          .string()
          .max(20)
          .regex(/^\P{Cc}*$/u, 'expected no control characters'),
      )
      .min(1)
      .max(20)
      .default(['', 'NA', 'N/A', 'NULL', 'null'])
      .meta({ description: 'What a CSV has in place of a missing value' }),
  }),
  output: z.object({
    format: z.enum(['csv', 'parquet']),
    rows: z.number(),
    columns: z.array(columnReport).meta({ description: 'In the order of the file, or of `columns`' }),
    correlations: z.array(correlation).meta({ description: 'The 50 strongest, of the first 30 columns of numbers' }),
    charts: z.array(chart),
  }),
  checkpoint: state,
  queue: 'compute',
  concurrency: 1,
  async *run({ input, checkpoint, files, signal, log }) {
    if (checkpoint && isDone(checkpoint)) return reportOf(checkpoint)

    // Loaded when the first table comes, not with the registry.
    const [
      { openReader },
      { fetchFile },
      { recognize },
      { readTable },
      { describe },
      { PER_SHEET, sheet },
      { heatMap },
    ] = await Promise.all([
      import('./data/reader.ts'),
      import('./data/fetch-file.ts'),
      import('./data/recognize.ts'),
      import('./data/table.ts'),
      import('./data/describe.ts'),
      import('./data/sheet.ts'),
      import('./data/heat-map.ts'),
    ])
    const given = { ...input, delimiter: input.delimiter && SIGNS[input.delimiter], decimal: SIGNS[input.decimal] }
    const reader = await openReader(signal)
    try {
      const file = await fetchFile(files, input.fileId, { path: reader.path, signal })
      const read = await readTable(reader, await recognize(reader.path, given), given)
      log.info(`read ${read.rows} rows of ${read.columns.length} columns`, { sizeBytes: file.sizeBytes })
      // An upload's URL stays valid for a while, so the file may have been replaced since, and the checkpoint be about
      // another table.
      let state = checkpoint && isSame(checkpoint.table, read) ? checkpoint : begin(read)
      const pairs = correlated(read)
      const steps = Math.ceil(read.columns.length / PER_SHEET) + pairs.length
      const point = (durable: boolean) => {
        const done = Math.ceil(state.columns.length / PER_SHEET) + state.coefficients.length
        const progress = READ_SHARE + (1 - READ_SHARE) * (steps === 0 ? 1 : done / steps)
        return { checkpoint: state, progress, partial: reportOf(state), durable }
      }
      const draw = async (name: string, drawing: Drawing, columns: string[]) =>
        writeChart(files, `${parse(file.name).name.slice(0, 100).toWellFormed()}-${name}.svg`, drawing, columns)
      // Not when it continues from a checkpoint: a job that is stopped here again and again would get nowhere.
      if (state !== checkpoint) yield point(false)

      while (state.columns.length < read.columns.length) {
        const first = state.columns.length
        const described = await describe(reader, read, first, PER_SHEET)
        const names = described.map(({ name }) => name)
        const label = `Columns ${first + 1} to ${first + described.length}`
        const made = await draw(`columns-${first + 1}`, sheet(label, described, read.rows), names)
        state = { ...state, columns: [...state.columns, ...described], charts: [...state.charts, made] }
        // Durable: a file that is in no checkpoint would be made again.
        yield point(true)
      }

      const names = pairs.map((index) => read.columns[index]?.name ?? '')
      while (state.coefficients.length < pairs.length) {
        const [column = 0, ...others] = pairs.slice(state.coefficients.length)
        const row = others.length === 0 ? [] : await correlate(reader, column, others)
        const coefficients = [...state.coefficients, row]
        const isLast = coefficients.length === pairs.length
        const made = isLast ? [await draw('correlations', heatMap(names, coefficients), names)] : []
        state = { ...state, coefficients, charts: [...state.charts, ...made] }
        yield point(isLast)
      }
      return reportOf(state)
    } finally {
      await reader.close()
    }
  },
})

const begin = (table: Table): State => ({ table, columns: [], coefficients: [], charts: [] })

const isDone = ({ table, columns, coefficients }: State): boolean =>
  columns.length === table.columns.length && coefficients.length === correlated(table).length

const isSame = (one: Table, other: Table): boolean => JSON.stringify(one) === JSON.stringify(other)

const reportOf = ({ table, columns, coefficients, charts }: State) => {
  const names = correlated(table).map((index) => table.columns[index]?.name ?? '')
  return { format: table.format, rows: table.rows, columns, correlations: strongest(names, coefficients), charts }
}

const writeChart = async (
  files: SharedJobContext<unknown, unknown>['files'],
  name: string,
  drawing: Drawing,
  columns: string[],
) => {
  const { toSvgFile } = await import('./chart/svg.ts')
  const contentType = 'image/svg+xml' as const
  const written = await files.write({ name, contentType, bytes: Buffer.from(toSvgFile(drawing)) })
  return { ...written, name, contentType, columns }
}
