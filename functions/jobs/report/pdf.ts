import { buffer } from 'node:stream/consumers'
import PDFDocument from 'pdfkit'
import type { Drawing } from '../chart/drawing.ts'
import { drawInPdf, printable } from '../chart/pdf.ts'
import { type Figures, figuresOf, type Report, type Table } from './figures.ts'

type Pdf = PDFKit.PDFDocument

const MARGIN = 48
const INK = '#1c1f23'
const MUTED = '#5c636b'
const LINE = '#dfe2e6'

/** The report on A4. Its fonts are those that every reader has, so letters beyond Western Europe's are question marks. */
export const toPdf = async (report: Report, madeAt: Date): Promise<Buffer> => {
  const figures = figuresOf(report)
  const pdf = new PDFDocument({
    size: 'A4',
    margin: MARGIN,
    bufferPages: true,
    info: { Title: report.title, Creator: 'Stint', CreationDate: madeAt, ModDate: madeAt },
  })
  const bytes = buffer(pdf)
  pdf.font('Helvetica-Bold').fontSize(20).fillColor(INK).text(printable(report.title))
  pdf.font('Helvetica').fontSize(10).fillColor(MUTED).text(printable(figures.when))
  facts(pdf, figures)
  if (figures.kinds.rows.length === 0) pdf.fontSize(11).text('No job was submitted in this time.', MARGIN)
  else sections(pdf, report, figures)
  numberPages(pdf)
  pdf.end()
  return bytes
}

const widthOf = (pdf: Pdf): number => pdf.page.width - 2 * MARGIN
const bottomOf = (pdf: Pdf): number => pdf.page.height - MARGIN - 16

const facts = (pdf: Pdf, { facts: all }: Figures): void => {
  const gap = 10
  const width = (widthOf(pdf) - gap * (all.length - 1)) / all.length
  const y = pdf.y + 16
  for (const [index, [name, value]] of all.entries()) {
    const x = MARGIN + index * (width + gap)
    pdf.roundedRect(x, y, width, 48, 5).lineWidth(0.7).stroke(LINE)
    pdf
      .fontSize(9)
      .fillColor(MUTED)
      .text(name, x + 10, y + 8, { lineBreak: false })
    pdf
      .fontSize(16)
      .fillColor(INK)
      .text(printable(value), x + 10, y + 22, { lineBreak: false })
  }
  pdf.x = MARGIN
  pdf.y = y + 64
}

const sections = (pdf: Pdf, { period }: Report, figures: Figures): void => {
  heading(pdf, `By ${period.unit}`, 190)
  legend(pdf, figures)
  draw(pdf, figures.overTime)
  heading(pdf, 'By kind', heightOf(figures.ofKinds, widthOf(pdf)))
  draw(pdf, figures.ofKinds)
  table(pdf, figures.kinds, [0.26, 0.09, 0.11, 0.09, 0.11, 0.11, 0.13, 0.1])
  pair(pdf, [
    ['Waiting, until the first stint', figures.waiting],
    ['Running', figures.running],
  ])
  if (figures.errors.rows.length > 0) {
    heading(pdf, 'Errors', 60)
    table(pdf, figures.errors, [0.35, 0.5, 0.15])
  }
  if (figures.longest.rows.length > 0) {
    heading(pdf, 'Longest', 60)
    table(pdf, figures.longest, [0.42, 0.24, 0.12, 0.08, 0.14])
  }
}

/** A heading, on a page with room for at least this much below it. */
const heading = (pdf: Pdf, text: string, needed: number): void => {
  makeRoom(pdf, needed)
  headingAt(pdf, text, MARGIN)
}

const makeRoom = (pdf: Pdf, needed: number): void => {
  if (pdf.y + 40 + needed > bottomOf(pdf)) pdf.addPage()
  else pdf.y += 18
}

const headingAt = (pdf: Pdf, text: string, x: number): void => {
  pdf.font('Helvetica-Bold').fontSize(12).fillColor(INK).text(text, x).font('Helvetica')
  pdf.y += 6
}

const legend = (pdf: Pdf, { legend: all }: Figures): void => {
  let x = MARGIN
  const { y } = pdf
  pdf.fontSize(8)
  for (const [state, colour] of all) {
    pdf.rect(x, y + 1, 6, 6).fill(colour)
    pdf.fillColor(MUTED).text(state, x + 10, y, { lineBreak: false })
    x += 10 + pdf.widthOfString(state) + 14
  }
  pdf.x = MARGIN
  pdf.y = y + 14
}

const heightOf = ({ width, height }: Drawing, at: number): number => (height * at) / width

const draw = (pdf: Pdf, drawing: Drawing): void => {
  const width = widthOf(pdf)
  const { y } = pdf
  drawInPdf(pdf, drawing, { x: MARGIN, y, width })
  pdf.x = MARGIN
  pdf.y = y + heightOf(drawing, width) + 4
}

/** Two drawings side by side, each below its heading. */
const pair = (pdf: Pdf, all: [text: string, drawing: Drawing][]): void => {
  const gap = 20
  const width = (widthOf(pdf) - gap) / 2
  const height = Math.max(...all.map(([, drawing]) => heightOf(drawing, width)))
  makeRoom(pdf, height)
  const top = pdf.y
  let below = top
  for (const [index, [text, drawing]] of all.entries()) {
    const x = MARGIN + index * (width + gap)
    pdf.y = top
    headingAt(pdf, text, x)
    below = pdf.y
    drawInPdf(pdf, drawing, { x, y: below, width })
  }
  pdf.x = MARGIN
  pdf.y = below + height + 4
}

const ROW = 16

const table = (pdf: Pdf, { head, rows, words }: Table, shares: number[]): void => {
  pdf.y += 6
  // The header of a table is followed by at least one row.
  if (pdf.y + 2 * ROW > bottomOf(pdf)) pdf.addPage()
  const columns = shares.map((share, index) => ({ width: widthOf(pdf) * share, isNumber: index >= words }))
  line(pdf, head, columns, 'Helvetica-Bold')
  for (const row of rows) {
    if (pdf.y + ROW > bottomOf(pdf)) {
      pdf.addPage()
      line(pdf, head, columns, 'Helvetica-Bold')
    }
    line(pdf, row, columns, 'Helvetica')
  }
}

const line = (pdf: Pdf, cells: string[], columns: { width: number; isNumber: boolean }[], font: string): void => {
  const { y } = pdf
  let x = MARGIN
  pdf.font(font).fontSize(8.5).fillColor(INK)
  for (const [index, { width, isNumber }] of columns.entries()) {
    const text = fitting(pdf, printable(cells[index] ?? ''), width - 8)
    const shift = isNumber ? width - pdf.widthOfString(text) : 0
    pdf.text(text, x + shift, y + 4, { lineBreak: false })
    x += width
  }
  pdf
    .moveTo(MARGIN, y + ROW)
    .lineTo(MARGIN + widthOf(pdf), y + ROW)
    .lineWidth(0.5)
    .stroke(LINE)
  pdf.x = MARGIN
  pdf.y = y + ROW
}

/** Cuts a text to the room that there is. */
const fitting = (pdf: Pdf, text: string, width: number): string => {
  if (pdf.widthOfString(text) <= width) return text
  let most = text.length - 1
  while (most > 0 && pdf.widthOfString(`${text.slice(0, most)}…`) > width) most--
  return `${text.slice(0, most)}…`
}

const numberPages = (pdf: Pdf): void => {
  const { start, count } = pdf.bufferedPageRange()
  for (let page = start; page < start + count; page++) {
    pdf.switchToPage(page)
    // Text below the margin would start another page.
    pdf.page.margins.bottom = 0
    const options = { width: widthOf(pdf), align: 'right', lineBreak: false } as const
    pdf.font('Helvetica').fontSize(8).fillColor(MUTED)
    pdf.text(`${page + 1} of ${count}`, MARGIN, pdf.page.height - MARGIN + 4, options)
  }
}
