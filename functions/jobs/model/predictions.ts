import { z } from 'zod'
import { csvLine } from '../../../lib/core/csv.ts'
import type { Outputs, Value } from './session.ts'

const value = z.union([z.number(), z.string()])

/** What a model says about one row. */
export const prediction = z.object({
  row: z.int().meta({ description: 'From 1' }),
  label: z.string().optional().meta({ description: 'The class with the highest score' }),
  score: z.number().nullable().optional(),
  outputs: z
    .record(z.string(), z.union([value.nullable(), z.array(value.nullable())]))
    .meta({ description: 'What each output of the model has for the row; null for what is no number' }),
})
export type Prediction = z.infer<typeof prediction>

/** The most predictions in a result, and the most bytes that they may have as JSON. */
const MAX_SHOWN = 100
const MAX_SHOWN_BYTES = 100_000

/** Adds a further batch to the predictions that the result shows, as long as there is room. */
export const withShown = (
  shown: Prediction[],
  { names, rows }: Outputs,
  classes: string[] | undefined,
  done: number,
): Prediction[] => {
  if (shown.length < done) return shown
  const all = [...shown]
  let bytes = Buffer.byteLength(JSON.stringify(all))
  for (const outputs of rows.slice(0, MAX_SHOWN - done)) {
    const best = bestOf(outputs, classes)
    const next = {
      row: all.length + 1,
      ...(best && { label: best.label, score: finite(best.score) as number | null }),
      outputs: Object.fromEntries(names.map((name, output) => [name, alone((outputs[output] ?? []).map(finite))])),
    }
    bytes += Buffer.byteLength(JSON.stringify(next))
    if (bytes > MAX_SHOWN_BYTES) break
    all.push(next)
  }
  return all
}

/** The header line of the file with all predictions, by the first of them. */
export const headOf = ({ names, rows: [first = []] }: Outputs, classes: string[] | undefined): string => {
  const columns = names.flatMap((name, output) => {
    const { length } = first[output] ?? []
    if (length === 1) return [name]
    return Array.from({ length }, (_, at) => `${name}[${classes?.length === length ? classes[at] : at}]`)
  })
  return csvLine(['row', ...(bestOf(first, classes) ? ['label', 'score'] : []), ...columns])
}

/** A batch's lines of that file. The first of them is for the row with the number `done`, from 0. */
export const linesOf = ({ rows }: Outputs, classes: string[] | undefined, done: number): string =>
  rows
    .map((outputs, index) => {
      const best = bestOf(outputs, classes)
      return csvLine([done + index + 1, ...(best ? [best.label, best.score] : []), ...outputs.flat()])
    })
    .join('')

/** If an output has a score for each class: the class with the highest one. */
const bestOf = (outputs: Value[][], classes: string[] | undefined): { label: string; score: number } | undefined => {
  const scores = outputs.find((it) => it.length === classes?.length && typeof it[0] === 'number') as
    | number[]
    | undefined
  if (!scores || !classes) return undefined
  let best = 0
  for (const [index, score] of scores.entries()) if (score > (scores[best] ?? 0)) best = index
  return { label: classes[best] ?? '', score: scores[best] ?? Number.NaN }
}

/** JSON has neither NaN nor infinity. */
const finite = (it: Value): Value | null => (typeof it === 'number' && !Number.isFinite(it) ? null : it)

const alone = <T>(values: T[]): T | T[] => (values.length === 1 ? (values[0] as T) : values)
