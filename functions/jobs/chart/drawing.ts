/** Ink and paper are the page's, whatever they are; other colours are `#rrggbb`. */
export type Colour = 'ink' | 'muted' | 'faint' | `#${string}`

export type Shape =
  | { shape: 'rect'; x: number; y: number; width: number; height: number; fill: Colour; title?: string }
  | { shape: 'line'; x1: number; y1: number; x2: number; y2: number; stroke: Colour }
  | {
      shape: 'text'
      x: number
      y: number
      text: string
      size: number
      anchor: 'start' | 'middle' | 'end'
      fill: Colour
    }

/** A picture of rectangles, lines and words: made once, and drawn as SVG or into a PDF. */
export interface Drawing {
  width: number
  height: number
  /** A description for people who can't see it. */
  label: string
  shapes: Shape[]
}

/** Words at a place, muted and small unless said otherwise. */
export const text = (
  x: number,
  y: number,
  words: string,
  { size = 10.5, anchor = 'start', fill = 'muted' }: Partial<Extract<Shape, { shape: 'text' }>>,
): Shape => ({ shape: 'text', x, y, text: words, size, anchor, fill })

/** About four ticks at round numbers from 0, of which the last is not below `max`: 0, 20, 40. */
export const ticks = (max: number): number[] => {
  const rough = Math.max(max, 1) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = Math.max(1, [1, 2, 5, 10].map((it) => it * power).find((it) => it >= rough) ?? 10 * power)
  return Array.from({ length: Math.ceil(Math.max(max, 1) / step) + 1 }, (_, index) => index * step)
}

/** 12 345 678 as 12.3 M; whole numbers below 10 000 as they are. */
export const short = (value: number): string => {
  if (Number.isInteger(value) && Math.abs(value) < 1e4) return String(value)
  const [divisor, unit] = value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : value >= 1e4 ? [1e3, ' k'] : [1, '']
  return `${Number((value / divisor).toPrecision(3))}${unit}`
}
