import { cut } from '../../../lib/core/cut.ts'
import { type Colour, type Drawing, type Shape, short, text, ticks } from './drawing.ts'

export interface Series {
  name: string
  colour: Colour
  /** One for each label. */
  values: number[]
}

const FRAME = { left: 48, right: 8, top: 12, bottom: 26 }
const SIZE = 11

/** Vertical bars of stacked series, one bar for each label. Labels are left out where there is no room for them. */
export const bars = (
  label: string,
  {
    labels,
    series,
    width = 720,
    height = 220,
  }: { labels: string[]; series: Series[]; width?: number; height?: number },
): Drawing => {
  const totals = totalsOf(labels, series)
  const scale = ticks(Math.max(...totals, 0))
  const top = scale.at(-1) ?? 1
  const plot = { width: width - FRAME.left - FRAME.right, height: height - FRAME.top - FRAME.bottom }
  const y = (value: number): number => FRAME.top + plot.height * (1 - value / top)
  const shapes: Shape[] = scale.flatMap((value) => [
    { shape: 'line', x1: FRAME.left, x2: width - FRAME.right, y1: y(value), y2: y(value), stroke: 'faint' },
    text(FRAME.left - 6, y(value) + 4, short(value), { size: SIZE, anchor: 'end' }),
  ])
  const slot = plot.width / Math.max(labels.length, 1)
  const bar = Math.max(1, Math.min(slot * 0.8, 60))
  const widest = Math.max(...labels.map((it) => it.length), 1) * SIZE * 0.6 + 8
  const every = Math.ceil(widest / slot)
  for (const [index, name] of labels.entries()) {
    const x = FRAME.left + slot * (index + 0.5) - bar / 2
    let below = 0
    for (const { name: of, colour, values } of series) {
      const value = values[index] ?? 0
      if (value === 0) continue
      const box = { x, y: y(below + value), width: bar, height: y(below) - y(below + value) }
      shapes.push({ shape: 'rect', ...box, fill: colour, title: `${name}: ${value} ${of}` })
      below += value
    }
    if (index % every === 0) shapes.push(text(x + bar / 2, height - 8, name, { size: SIZE, anchor: 'middle' }))
  }
  return { width, height, label, shapes }
}

/** Horizontal bars with their labels on the left and their sums on the right. */
export const lyingBars = (label: string, { labels, series }: { labels: string[]; series: Series[] }): Drawing => {
  const [width, labelWidth, row] = [720, 180, 26]
  const totals = totalsOf(labels, series)
  const longest = Math.max(...totals, 1)
  const room = width - labelWidth - 64
  const shapes: Shape[] = labels.flatMap((name, index): Shape[] => {
    const y = index * row
    let x = labelWidth
    const boxes = series.flatMap(({ name: of, colour, values }): Shape[] => {
      const value = values[index] ?? 0
      if (value === 0) return []
      const box = { x, y: y + 5, width: Math.max(1, (room * value) / longest), height: row - 10 }
      x += box.width
      return [{ shape: 'rect', ...box, fill: colour, title: `${name}: ${value} ${of}` }]
    })
    const middle = y + row / 2 + 4
    return [
      text(labelWidth - 8, middle, fitting(name, labelWidth), { size: SIZE, anchor: 'end', fill: 'ink' }),
      ...boxes,
      text(x + 6, middle, short(totals[index] ?? 0), { size: SIZE }),
    ]
  })
  return { width, height: Math.max(row, labels.length * row), label, shapes }
}

const totalsOf = (labels: string[], series: Series[]): number[] =>
  labels.map((_, index) => series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0))

/** Cuts a word to the room that there is. */
const fitting = (text: string, width: number): string => cut(text, Math.floor(width / (SIZE * 0.6)) - 2)
