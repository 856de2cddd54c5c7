import { cut } from '../../../lib/core/cut.ts'
import { type Drawing, type Shape, short, text } from '../chart/drawing.ts'
import type { ColumnReport } from './report.ts'

const PANEL = { width: 340, height: 176 }
const ACROSS = 3
const PAD = 14
const PLOT = { top: 56, bottom: 26 }

const BLUE = '#2f6fdb'
const GREEN = '#2f9e63'
const AMBER = '#e2a42b'

/** Columns on one picture. */
export const PER_SHEET = 12

/** A picture of each column: the distribution of its numbers or times, or its most frequent values; and what is missing. */
export const sheet = (label: string, columns: ColumnReport[], rows: number): Drawing => ({
  label,
  width: PANEL.width * Math.min(ACROSS, Math.max(columns.length, 1)),
  height: PANEL.height * Math.ceil(Math.max(columns.length, 1) / ACROSS),
  shapes: columns.flatMap((column, place) =>
    moved(panel(column, rows), PANEL.width * (place % ACROSS), PANEL.height * Math.floor(place / ACROSS)),
  ),
})

const moved = (shapes: Shape[], x: number, y: number): Shape[] =>
  shapes.map((it) =>
    it.shape === 'line'
      ? { ...it, x1: it.x1 + x, x2: it.x2 + x, y1: it.y1 + y, y2: it.y2 + y }
      : { ...it, x: it.x + x, y: it.y + y },
  )

const panel = (column: ColumnReport, rows: number): Shape[] => {
  const width = PANEL.width - 2 * PAD
  const there = rows === 0 ? 1 : 1 - column.missing / rows
  return [
    text(PAD, 22, fitting(column.name, width, 13), { size: 13, fill: 'ink' }),
    text(PAD, 38, fitting(factsOf(column, rows), width, 10.5), {}),
    // The part of the column that has values; the rest is missing.
    { shape: 'rect', x: PAD, y: 45, width: width * there, height: 2, fill: BLUE },
    { shape: 'rect', x: PAD + width * there, y: 45, width: width * (1 - there), height: 2, fill: AMBER },
    ...(column.histogram ? histogram(column, column.histogram) : frequent(column, rows - column.missing)),
  ]
}

const factsOf = ({ type, missing, distinct }: ColumnReport, rows: number): string => {
  const share = rows === 0 ? 0 : (100 * missing) / rows
  const percent = share > 0 && share < 0.1 ? '<0.1' : String(Number(share.toFixed(1)))
  const facts = [type.toLowerCase(), missing === 0 ? 'none missing' : `${percent} % missing`]
  return [...facts, ...(distinct === null ? [] : [`${short(distinct)} different`])].join(' · ')
}

const histogram = (column: ColumnReport, { from, to, counts, below, above }: Histogram): Shape[] => {
  const most = Math.max(...counts, 1)
  const floor = PANEL.height - PLOT.bottom
  const slot = (PANEL.width - 2 * PAD) / counts.length
  const gap = Math.min(1.5, slot * 0.1)
  const bars = counts.flatMap((count, bin): Shape[] => {
    const height = count === 0 ? 0 : Math.max(0.8, ((floor - PLOT.top) * count) / most)
    const box = { x: PAD + bin * slot + gap / 2, y: floor - height, width: slot - gap, height }
    return count === 0 ? [] : [{ shape: 'rect', ...box, fill: BLUE, title: String(count) }]
  })
  const middle = [
    ...(below > 0 ? [`${short(below)} below`] : []),
    ...(column.quantiles ? [`median ${amountOf(column.quantiles.p50)}`] : []),
    ...(above > 0 ? [`${short(above)} above`] : []),
  ]
  return [
    ...bars,
    { shape: 'line', x1: PAD, x2: PANEL.width - PAD, y1: floor, y2: floor, stroke: 'muted' },
    text(PAD, floor + 15, amountOf(below > 0 ? from : (column.min ?? from)), {}),
    text(PANEL.width / 2, floor + 15, middle.join(' · '), { anchor: 'middle' }),
    text(PANEL.width - PAD, floor + 15, amountOf(above > 0 ? to : (column.max ?? to)), { anchor: 'end' }),
  ]
}
type Histogram = NonNullable<ColumnReport['histogram']>

/** Horizontal bars of the most frequent values, as a share of all values. */
const frequent = ({ top, distinct, role }: ColumnReport, count: number): Shape[] => {
  if (top.length === 0) {
    const why = role === 'other' ? 'not counted' : distinct === 0 ? 'no values' : 'every value is different'
    return [text(PANEL.width / 2, 108, why, { size: 12, anchor: 'middle' })]
  }
  const [labels, figures] = [104, 48]
  const room = PANEL.width - 2 * PAD - labels - figures
  const others = count - top.reduce((sum, it) => sum + it.count, 0)
  const bars = [...top, ...(others > 0 ? [{ value: 'all others', count: others }] : [])]
  const most = Math.max(...bars.map((it) => it.count))
  return bars.flatMap((it, place): Shape[] => {
    const y = PLOT.top + 4 + place * 18
    const width = Math.max(1, (room * it.count) / most)
    const isRest = place === top.length
    return [
      text(PAD + labels - 6, y + 10, fitting(it.value || '(empty)', labels - 6, 10.5), {
        anchor: 'end',
        fill: isRest ? 'muted' : 'ink',
      }),
      { shape: 'rect', x: PAD + labels, y, width, height: 13, fill: isRest ? 'faint' : GREEN, title: String(it.count) },
      text(PAD + labels + width + 5, y + 10, short(it.count), {}),
    ]
  })
}

/** A number, or a time, in few characters. */
const amountOf = (at: number | string): string => {
  if (typeof at === 'string') return at.endsWith('T00:00:00.000Z') ? at.slice(0, 10) : at.slice(0, 16).replace('T', ' ')
  return at < 0 ? `−${short(-at)}` : short(at)
}

/** Cuts a text to the room that there is. */
export const fitting = (words: string, width: number, size: number): string =>
  cut(words, Math.max(2, Math.floor(width / (size * 0.56))))
