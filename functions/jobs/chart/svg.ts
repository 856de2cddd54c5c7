import { type Html, html } from '../../../lib/http/docs/html.ts'
import type { Colour, Drawing, Shape } from './drawing.ts'

/** The drawing as an element of a page, in the page's own ink. */
export const toSvg = ({ width, height, label, shapes }: Drawing): Html =>
  html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}" font-family="system-ui, sans-serif">${shapes.map(element)}</svg>`

/** The drawing as a file of its own, on white. */
export const toSvgFile = (drawing: Drawing): string =>
  toSvg({
    ...drawing,
    shapes: [
      { shape: 'rect', x: 0, y: 0, width: drawing.width, height: drawing.height, fill: '#ffffff' },
      ...drawing.shapes,
    ],
  }).text

const element = (it: Shape): Html => {
  if (it.shape === 'line')
    return html`<line x1="${round(it.x1)}" y1="${round(it.y1)}" x2="${round(it.x2)}" y2="${round(it.y2)}" ${paint('stroke', it.stroke)}/>`
  if (it.shape === 'text')
    return html`<text x="${round(it.x)}" y="${round(it.y)}" font-size="${it.size}" text-anchor="${it.anchor}" ${paint('fill', it.fill)}>${it.text}</text>`
  const title = it.title !== undefined && html`<title>${it.title}</title>`
  return html`<rect x="${round(it.x)}" y="${round(it.y)}" width="${round(it.width)}" height="${round(it.height)}" ${paint('fill', it.fill)}>${title}</rect>`
}

const OPACITY = { ink: 1, muted: 0.65, faint: 0.15 } as const

const paint = (attribute: 'fill' | 'stroke', colour: Colour): Html => {
  if (!(colour in OPACITY)) return attribute === 'fill' ? html`fill="${colour}"` : html`stroke="${colour}"`
  const opacity = OPACITY[colour as keyof typeof OPACITY]
  if (attribute === 'fill') return html`fill="currentColor" fill-opacity="${opacity}"`
  return html`stroke="currentColor" stroke-opacity="${opacity}"`
}

const round = (value: number): number => Math.round(value * 100) / 100
