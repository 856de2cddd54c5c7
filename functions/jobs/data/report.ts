import { z } from 'zod'

const at = z.union([z.number(), z.string()])

/** A column in the result. Times are RFC 3339. */
export const columnReport = z.object({
  name: z.string().meta({ description: 'As in the file, cut to 60 characters' }),
  type: z.string().meta({ description: 'DuckDB’s: BIGINT, DOUBLE, VARCHAR, TIMESTAMP…' }),
  role: z.enum(['number', 'time', 'boolean', 'text', 'other']).meta({ description: 'How it is counted' }),
  missing: z.number().meta({ description: 'Rows without a value, and with one that cannot be counted with: NaN, ∞' }),
  distinct: z.number().nullable().meta({ description: 'Different values; null for lists and the like' }),
  min: at.optional(),
  max: at.optional(),
  mean: z.number().optional(),
  stddev: z.number().optional(),
  quantiles: z
    .object({ p05: z.number(), p25: z.number(), p50: z.number(), p75: z.number(), p95: z.number() })
    .optional()
    .meta({ description: 'Approximate: within 1 % of the rows' }),
  histogram: z
    .object({
      from: at,
      to: at,
      counts: z.array(z.number()).meta({ description: 'Of bins of equal width' }),
      below: z.number(),
      above: z.number(),
    })
    .optional()
    .meta({ description: 'Of numbers and times. Where few values lie far out, they are counted below and above.' }),
  top: z
    .array(z.object({ value: z.string(), count: z.number() }))
    .meta({ description: 'The most frequent values; none where all are different' }),
})
export type ColumnReport = z.infer<typeof columnReport>

export const correlation = z.object({
  a: z.string(),
  b: z.string(),
  r: z.number().meta({ description: 'Pearson’s, −1 to 1, of the rows in which both have a value' }),
})
export type Correlation = z.infer<typeof correlation>

export const chart = z.object({
  fileId: z.uuid(),
  name: z.string(),
  contentType: z.literal('image/svg+xml'),
  sizeBytes: z.int(),
  columns: z.array(z.string()),
})
export type Chart = z.infer<typeof chart>

/** Rounded to the digits that mean something: threads add up in another order each time, which changes the last ones. */
export const rounded = (value: number): number => Number(value.toPrecision(12))
