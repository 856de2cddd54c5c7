import { useRef, useState } from 'preact/hooks'
import type { JobSummary } from '../../data/job.ts'

/** From how far down the page a new row on top would move what is being read. */
const SCROLLED_PX = 80

/**
 * Rows that don't jump. New jobs come on top by themselves as long as nobody is reading further down or has chosen
 * some; otherwise they are held back and counted until asked for, and those stay that they would have pushed off the end.
 */
export const useSteadyRows = (
  key: string,
  jobs: JobSummary[] | undefined,
  { isFirstPage, hold }: { isFirstPage: boolean; hold: boolean },
) => {
  const kept = useRef<{ key: string; rows: JobSummary[] }>({ key, rows: [] })
  const [, setAsked] = useState(0)
  if (kept.current.key !== key) kept.current = { key, rows: [] }
  if (!jobs) return { shown: [], newer: 0, show: () => {} }

  const { rows } = kept.current
  const isReading = isFirstPage && rows.length > 0 && (hold || scrollY > SCROLLED_PX)
  const shown = isReading ? withNews(rows, jobs) : jobs
  kept.current.rows = shown
  // Ids are in the order of time.
  const [newest] = shown
  return {
    shown,
    newer: newest === undefined ? 0 : jobs.filter((job) => job.id > newest.id).length,
    show: () => {
      scrollTo({ top: 0 })
      kept.current.rows = []
      setAsked((times) => times + 1)
    },
  }
}

const withNews = (rows: JobSummary[], jobs: JobSummary[]): JobSummary[] => {
  const byId = new Map(jobs.map((job) => [job.id, job]))
  return rows.map((row) => byId.get(row.id) ?? row)
}
