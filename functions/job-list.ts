import * as jobSearch from '../db/queries/job-search.ts'
import type { App } from '../lib/app.ts'
import { firstIdAt } from '../lib/core/ids.ts'
import { encodeCursor, toPage } from '../lib/http/schemas.ts'
import { toSummary } from './views/job.ts'

/** Ids have the time of the clock that made them, and `queuedAt` the database's. They may differ by so much. */
const CLOCKS_APART_MS = 600_000

type Filter = Omit<jobSearch.JobFilter, 'idFrom' | 'idTo'> & { text?: string | undefined }

/** A page of the jobs that a filter takes, newest first. */
export const pageOfJobs = async (app: App, { text, ...given }: Filter, limit: number) => {
  const filter = { ...given, ...idBounds(given) }
  if (text === undefined) {
    const rows = await jobSearch.list(app.sql, filter, limit + 1)
    return toPage(rows, limit, toSummary, (row) => row.id)
  }
  const { ids, scannedTo } = await jobSearch.searchInputs(app.sql, filter, text, limit + 1)
  const page = toPage(await jobSearch.listByIds(app.sql, ids), limit, toSummary, (row) => row.id)
  return { ...page, nextCursor: page.nextCursor ?? (scannedTo && encodeCursor(scannedTo)) }
}

/** Jobs lie in the order of their ids, which begin with the time: a span of time is a span of the index. */
const idBounds = ({ queuedAfter, queuedBefore }: Filter): { idFrom?: string; idTo?: string } => ({
  ...(queuedAfter && { idFrom: firstIdAt(Date.parse(queuedAfter) - CLOCKS_APART_MS) }),
  ...(queuedBefore && { idTo: firstIdAt(Date.parse(queuedBefore) + CLOCKS_APART_MS) }),
})
