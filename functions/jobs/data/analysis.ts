import { parse } from 'node:path'
import type { SafePoint, SharedJobContext } from '../../../lib/jobs/define.ts'
import type { Drawing } from '../chart/drawing.ts'
import { toSvgFile } from '../chart/svg.ts'
import { correlate, correlated } from './correlate.ts'
import { describe } from './describe.ts'
import { heatMap } from './heat-map.ts'
import type { Reader } from './reader.ts'
import type { Chart } from './report.ts'
import { PER_SHEET, sheet } from './sheet.ts'
import { reportOf, type State } from './state.ts'
import type { Table } from './table.ts'

// The two steps of an analysis, once its table is read. Each goes on from the state that it is given, yields a safe point after
// each part, and returns the state that it has come to.

/** Reading comes first, and takes about as long as all the rest. */
const READ_SHARE = 0.4

type Step = AsyncGenerator<SafePoint<State>, State>

/** Writes a drawing to a file of the job. */
export type Draw = (name: string, drawing: Drawing, columns: string[]) => Promise<Chart>

/** Describes the columns, a sheet of charts at a time. */
export async function* describeColumns(reader: Reader, table: Table, draw: Draw, state: State): Step {
  while (state.columns.length < table.columns.length) {
    const first = state.columns.length
    const described = await describe(reader, table, first, PER_SHEET)
    const names = described.map(({ name }) => name)
    const label = `Columns ${first + 1} to ${first + described.length}`
    const made = await draw(`columns-${first + 1}`, sheet(label, described, table.rows), names)
    state = { ...state, columns: [...state.columns, ...described], charts: [...state.charts, made] }
    // Durable: a file that is in no checkpoint would be made again.
    yield safePoint(state, true)
  }
  return state
}

/** Correlates each column of numbers with those after it, and draws all of it at the end. */
export async function* correlateColumns(reader: Reader, table: Table, draw: Draw, state: State): Step {
  const numeric = correlated(table)
  const names = numeric.map((index) => table.columns[index]?.name ?? '')
  while (state.coefficients.length < numeric.length) {
    const [column = 0, ...others] = numeric.slice(state.coefficients.length)
    const row = others.length === 0 ? [] : await correlate(reader, column, others)
    const coefficients = [...state.coefficients, row]
    const isLast = coefficients.length === numeric.length
    const made = isLast ? [await draw('correlations', heatMap(names, coefficients), names)] : []
    state = { ...state, coefficients, charts: [...state.charts, ...made] }
    yield safePoint(state, isLast)
  }
  return state
}

export const safePoint = (state: State, durable: boolean): SafePoint<State> => {
  const { table, columns, coefficients } = state
  const steps = Math.ceil(table.columns.length / PER_SHEET) + correlated(table).length
  const done = Math.ceil(columns.length / PER_SHEET) + coefficients.length
  const progress = READ_SHARE + (1 - READ_SHARE) * (steps === 0 ? 1 : done / steps)
  return { checkpoint: state, progress, partial: reportOf(state), durable }
}

/** @param file the name of the analysed file, with which those of its charts begin */
export const drawInto = (files: SharedJobContext<unknown, unknown>['files'], file: string): Draw => {
  const prefix = parse(file).name.slice(0, 100).toWellFormed()
  return async (suffix, drawing, columns) => {
    const name = `${prefix}-${suffix}.svg`
    const contentType = 'image/svg+xml' as const
    const written = await files.write({ name, contentType, bytes: Buffer.from(toSvgFile(drawing)) })
    return { ...written, name, contentType, columns }
  }
}
