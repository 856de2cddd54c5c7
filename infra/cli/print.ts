import { stripVTControlCharacters, styleText } from 'node:util'
import type { Io } from './io.ts'
import type { JsonOption } from './options.ts'

/** Text in a colour, on a terminal and unless NO_COLOR is set. */
export const paint = (io: Io, style: Parameters<typeof styleText>[0], text: string): string =>
  io.terminal && !io.env['NO_COLOR'] ? styleText(style, text, { validateStream: false }) : text

/**
 * Makes text of others safe for a terminal: an escape sequence in a job's name could rewrite the screen or fill the clipboard,
 * and a character that reverses the direction could make the line show another state than the job's.
 */
export const harmless = (text: string): string => text.replaceAll(HARMFUL, '\uFFFD')

/** The same for text of several lines that goes into one. */
export const harmlessLine = (text: string): string => harmless(text.replaceAll(/\s*\n\s*/g, ' '))

/** The same for text of several lines. */
export const harmlessLines = (text: string): string =>
  text.replaceAll(HARMFUL, (it) => (it === '\n' || it === '\t' ? it : '\uFFFD'))

/** Control characters, line and paragraph separators, and characters that override, embed or isolate a direction. */
const HARMFUL = /[\p{Cc}\u2028-\u202E\u2066-\u2069]/gu

/** JSON in which harmful characters that JSON leaves unescaped are escaped too. */
export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replaceAll(
    /[\x7F-\x9F\u2028-\u202E\u2066-\u2069]/g,
    (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** `--json` prints what the API gave; otherwise what `text` makes of it. */
export const print = <T>(io: Io, { json }: JsonOption, value: T, text: (value: T) => string): void =>
  io.out(json ? toJson(value, 2) : text(value))

/** Columns as wide as they need to be; the last one ends where its text ends. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ''))))
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell)),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A table with a heading over each column; `none`, if given, where there are no rows. */
export const listing = <Row>(
  io: Io,
  rows: readonly Row[],
  none: string | null,
  columns: Record<string, (row: Row) => string>,
): string => {
  if (rows.length === 0 && none !== null) return none
  const heads = Object.keys(columns).map((it) => paint(io, 'dim', it))
  return table([heads, ...rows.map((row) => Object.values(columns).map((cellOf) => cellOf(row)))])
}

/** The columns that a text takes, without its colours, for characters of one column each. */
export const width = (text: string): number => [...stripVTControlCharacters(text)].length

/** `3.2 s`, `4 min`, `2 h`, `3 d` */
export const duration = (ms: number): string => {
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 86_400_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}

/** How long ago it was. */
export const ago = (time: string | null): string =>
  time === null ? '–' : duration(Math.max(0, Date.now() - Date.parse(time)))

/** `820 B`, `61.2 KiB`, `1.5 GiB` */
export const size = (bytes: number): string => {
  if (bytes < 1_024) return `${bytes} B`
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1_024 ** power).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`
}

export const percent = (part: number): string => `${Math.floor(part * 100)} %`
