import { type Drawing, type Shape, text } from '../chart/drawing.ts'
import { fitting } from './sheet.ts'

const LABELS = 190
const TOP = 46
const PAD = 14
const SIZE = 10.5

/**
 * All coefficients as a triangle: blue is together, red is against each other.
 * @param rows of each column, with those after it
 */
export const heatMap = (names: string[], rows: (number | null)[][]): Drawing => {
  const cell = names.length <= 12 ? 44 : 26
  const small = { size: cell > 30 ? SIZE : 9, anchor: 'middle' } as const
  const labels = names.map((name, row) => {
    const label = `${fitting(name, LABELS - 40, SIZE)}  ${row + 1}`
    return text(LABELS - 8, TOP + (row + 0.5) * cell + 4, label, { size: SIZE, anchor: 'end', fill: 'ink' })
  })
  // A column's number is above its first cell, where there is nothing else.
  const heads = names.slice(1).map((_, column) => {
    return text(LABELS + (column + 0.5) * cell, TOP + (column + 1) * cell - 6, String(column + 1), small)
  })
  const cells = rows.flatMap((row, column) =>
    row.flatMap((r, place): Shape[] => {
      const other = column + 1 + place
      const [x, y] = [LABELS + column * cell, TOP + other * cell]
      const title = `${names[column]}, ${names[other]}: ${r ?? 'unknown'}`
      const figure = r === null ? '–' : figureOf(r, cell > 30 ? 2 : 1)
      const fill = Math.abs(r ?? 0) > 0.6 ? '#ffffff' : 'ink'
      return [
        { shape: 'rect', x: x + 1, y: y + 1, width: cell - 2, height: cell - 2, fill: colourOf(r), title },
        text(x + cell / 2, y + cell / 2 + 4, figure, { ...small, fill }),
      ]
    }),
  )
  return {
    width: LABELS + names.length * cell + PAD,
    height: TOP + names.length * cell + PAD,
    label: `Correlations of ${names.length} columns`,
    shapes: [text(PAD, 24, 'Correlations', { size: 13, fill: 'ink' }), ...labels, ...heads, ...cells],
  }
}

const figureOf = (r: number, digits: number): string =>
  (Number(r.toFixed(digits)) + 0).toFixed(digits).replace('-', '−')

const BLUE = [47, 111, 219] as const
const RED = [214, 69, 61] as const
const PALE = [243, 244, 246] as const

const colourOf = (r: number | null): `#${string}` => {
  const strength = Math.abs(r ?? 0)
  const towards = (r ?? 0) < 0 ? RED : BLUE
  const mixed = PALE.map((pale, index) => Math.round(pale + ((towards[index] ?? pale) - pale) * strength))
  return `#${mixed.map((it) => it.toString(16).padStart(2, '0')).join('')}`
}
