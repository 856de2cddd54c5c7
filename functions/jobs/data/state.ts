import { z } from 'zod'
import { correlated, strongest } from './correlate.ts'
import { chart, columnReport } from './report.ts'
import type { Table } from './table.ts'

const table = z.object({
  format: z.enum(['csv', 'parquet']),
  rows: z.number(),
  columns: z.array(columnReport.pick({ name: true, type: true, role: true })),
})

/** How far an analysis has come: the checkpoint of its job. */
export const state = z.object({
  table: table.meta({ description: 'The columns that are described' }),
  columns: z.array(columnReport).meta({ description: 'Those that are' }),
  coefficients: z
    .array(z.array(z.number().nullable()))
    .meta({ description: 'Of each numeric column, with those after it' }),
  charts: z.array(chart).meta({ description: 'Those that are written' }),
})
export type State = z.infer<typeof state>

export const begin = (table: Table): State => ({ table, columns: [], coefficients: [], charts: [] })

export const isDone = ({ table, columns, coefficients }: State): boolean =>
  columns.length === table.columns.length && coefficients.length === correlated(table).length

/** Whether it is about this table, as far as its columns and its rows tell. */
export const isOf = (table: Table, state: State): boolean => JSON.stringify(state.table) === JSON.stringify(table)

export const reportOf = ({ table, columns, coefficients, charts }: State) => {
  const names = correlated(table).map((index) => table.columns[index]?.name ?? '')
  return { format: table.format, rows: table.rows, columns, correlations: strongest(names, coefficients), charts }
}
