import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { MAX_COLUMNS } from './data/limits.ts'
import { chart, columnReport, correlation } from './data/report.ts'
import { begin, isDone, isOf, reportOf, state } from './data/state.ts'

const SIGNS = { comma: ',', semicolon: ';', tab: '\t', bar: '|', point: '.' } as const

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
    const [{ openReader }, { fetchFile }, { recognize }, { readTable }, analysis] = await Promise.all([
      import('./data/reader.ts'),
      import('./data/fetch-file.ts'),
      import('./data/recognize.ts'),
      import('./data/table.ts'),
      import('./data/analysis.ts'),
    ])
    const given = { ...input, delimiter: input.delimiter && SIGNS[input.delimiter], decimal: SIGNS[input.decimal] }
    const reader = await openReader(signal)
    try {
      const file = await fetchFile(files, input.fileId, { path: reader.path, signal })
      const table = await readTable(reader, await recognize(reader.path, given), given)
      log.info(`read ${table.rows} rows of ${table.columns.length} columns`, { sizeBytes: file.sizeBytes })
      // An upload's URL stays valid for a while, so the file may have been replaced since, and the checkpoint be about
      // another table.
      const first = checkpoint && isOf(table, checkpoint) ? checkpoint : begin(table)
      // Not when it continues from a checkpoint: a job that is stopped here again and again would get nowhere.
      if (first !== checkpoint) yield analysis.safePoint(first, false)

      const draw = analysis.drawInto(files, file.name)
      const described = yield* analysis.describeColumns(reader, table, draw, first)
      const correlated = yield* analysis.correlateColumns(reader, table, draw, described)
      return reportOf(correlated)
    } finally {
      await reader.close()
    }
  },
})
