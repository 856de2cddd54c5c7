import type { Colour, Drawing } from './drawing.ts'

/** On white paper. */
const INKS = { ink: '#1c1f23', muted: '#5c636b', faint: '#dfe2e6' } as const

const inkOf = (colour: Colour): string => INKS[colour as keyof typeof INKS] ?? colour

/** Draws into a PDF, at a place and of a width in points. */
export const drawInPdf = (
  pdf: PDFKit.PDFDocument,
  { shapes, width }: Drawing,
  at: { x: number; y: number; width: number },
): void => {
  pdf
    .save()
    .translate(at.x, at.y)
    .scale(at.width / width)
  for (const it of shapes) {
    if (it.shape === 'rect') pdf.rect(it.x, it.y, it.width, it.height).fill(inkOf(it.fill))
    if (it.shape === 'line') pdf.moveTo(it.x1, it.y1).lineTo(it.x2, it.y2).lineWidth(0.7).stroke(inkOf(it.stroke))
    if (it.shape === 'text') {
      pdf.font('Helvetica').fontSize(it.size).fillColor(inkOf(it.fill))
      const text = printable(it.text)
      const shift = { start: 0, middle: 0.5, end: 1 }[it.anchor] * pdf.widthOfString(text)
      pdf.text(text, it.x - shift, it.y - it.size * 0.75, { lineBreak: false })
    }
  }
  pdf.restore()
}

/** The fonts that every PDF reader has can show Windows-1252. All other characters become question marks. */
export const printable = (text: string): string => text.replaceAll(/[^\n\x20-\x7e\xa0-\xff–—‘’“”•…€]/gu, '?')
