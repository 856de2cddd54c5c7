import type { SerialNumberRow } from '../../db/queries/serial-numbers.ts'
import { csvLine } from '../../lib/core/csv.ts'

/** The most rows of one answer: Lambda allows 6 MB, and a line has at most 110 bytes. */
export const MAX_CSV_ROWS = 50_000

export interface SerialsRange {
  first: number
  last: number
}

/** The address of serial numbers as CSV. Pages after the first have no header line, so that together they are one file. */
export const serialsCsvPath = (modelId: string, { first, last }: SerialsRange, page = ''): string =>
  `/device-models/${modelId}/serial-numbers.csv?first=${first}&last=${last}${page}`

/** For clients: the pages that are one file together. @param ask requests one */
export async function* serialsPages(
  ask: (query: { first: number; header: 'true' | 'false' }) => Promise<Response>,
): AsyncGenerator<Response> {
  for (let first: number | undefined = 0; first !== undefined; ) {
    const page = await ask({ first, header: first === 0 ? 'true' : 'false' })
    yield page
    first = nextSerial(page.headers.get('link'))
  }
}

/** The first number of the next page, from the `Link` header of this one; undefined after the last page. */
const nextSerial = (link: string | null): number | undefined => {
  const first = /[?&]first=(\d+)&.*>; rel="next"$/.exec(link ?? '')?.[1]
  return first === undefined ? undefined : Number(first)
}

export const serialsCsv = (rows: SerialNumberRow[], { header }: { header: boolean }): string => {
  const lines = rows.map((it) => csvLine([it.number, it.serial, it.jobId, it.createdAt.toISOString()]))
  return `${header ? csvLine(['number', 'serial', 'jobId', 'createdAt']) : ''}${lines.join('')}`
}
