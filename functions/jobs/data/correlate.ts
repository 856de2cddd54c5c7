import { MAX_CORRELATED } from './limits.ts'
import type { Reader } from './reader.ts'
import { type Correlation, rounded } from './report.ts'
import type { Table } from './table.ts'

/** How many the result lists. The picture has all of them. */
const STRONGEST = 50

/** The places of the numeric columns that are compared with each other. */
export const correlated = ({ columns }: Pick<Table, 'columns'>): number[] => {
  const numeric = columns.flatMap(({ role }, index) => (role === 'number' ? [index] : []))
  return numeric.length < 2 ? [] : numeric.slice(0, MAX_CORRELATED)
}

/** The coefficients of a column with those after it; null if one of the two is constant. */
export const correlate = async (reader: Reader, column: number, others: number[]): Promise<(number | null)[]> => {
  const fields = others.map((other) => `corr(c${column}::DOUBLE, c${other}::DOUBLE) AS r${other}`)
  const [row = {}] = await reader.ask<Record<string, unknown>>(`SELECT ${fields.join(', ')} FROM data`)
  return others.map((other) => {
    const r = row[`r${other}`]
    return typeof r === 'number' && Number.isFinite(r) ? rounded(Math.max(-1, Math.min(1, r))) : null
  })
}

/** The strongest correlations, the strongest first. @param rows of each column, with those after it */
export const strongest = (names: string[], rows: (number | null)[][]): Correlation[] =>
  rows
    .flatMap((row, index) =>
      row.flatMap((r, place) => {
        const [a, b] = [names[index], names[index + 1 + place]]
        return r === null || a === undefined || b === undefined ? [] : [{ a, b, r }]
      }),
    )
    .toSorted((one, other) => Math.abs(other.r) - Math.abs(one.r))
    .slice(0, STRONGEST)
