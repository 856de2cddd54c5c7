import type { SerialNumberRow } from '../db/queries/serial-numbers.ts'
import { csvLine } from '../lib/core/csv.ts'

/** Of an answer: Lambda's have 6 MB, and a line has at most 110 bytes. */
export const MAX_CSV_ROWS = 50_000

export interface SerialsRange {
  first: number
  last: number
}

/** Where serials are as CSV. The pages after the first have no head, so that all of them together are one file. */
export const serialsCsvPath = (modelId: string, { first, last }: SerialsRange, page = ''): string =>
  `/device-models/${modelId}/serial-numbers.csv?first=${first}&last=${last}${page}`

/** With which number the next page begins, by the `Link` of the page before; undefined: that was the last one. */
export const nextSerial = (link: string | null): number | undefined => {
  const first = /[?&]first=(\d+)&.*>; rel="next"$/.exec(link ?? '')?.[1]
  return first === undefined ? undefined : Number(first)
}

export const serialsCsv = (rows: SerialNumberRow[], { header }: { header: boolean }): string => {
  const lines = rows.map((it) => csvLine([it.number, it.serial, it.jobId, it.createdAt.toISOString()]))
  return `${header ? csvLine(['number', 'serial', 'jobId', 'createdAt']) : ''}${lines.join('')}`
}
