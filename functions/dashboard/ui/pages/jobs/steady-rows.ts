import { useEffect, useRef, useState } from 'preact/hooks'
import type { JobSummary } from '../../data/job.ts'
import { hearEvents } from '../../data/live.ts'
import { afterEvent } from './row.ts'

/** Scrolled down further than this, new rows on top would move what is being read. */
const SCROLLED_PX = 80

/**
 * Rows that don't jump. New jobs come on top by themselves as long as nobody is reading further down or has chosen
 * some; otherwise they are held back and counted until asked for, and those stay that they would have pushed off the end
 * or that aren't as asked for any more. Of these the list says nothing, so they go by their events.
 */
export const useSteadyRows = (
  key: string,
  jobs: JobSummary[] | undefined,
  { isFirstPage, hold }: { isFirstPage: boolean; hold: boolean },
) => {
  const kept = useRef<{ key: string; rows: JobSummary[] }>({ key, rows: [] })
  const [, setAsked] = useState(0)
  const told = useRef(new Map<string, JobSummary>())
  useEffect(
    () =>
      hearEvents((events) => {
        const rows = new Map(kept.current.rows.map((row) => [row.id, row]))
        for (const event of events) {
          const row = told.current.get(event.jobId) ?? rows.get(event.jobId)
          if (row) told.current.set(event.jobId, afterEvent(row, event))
        }
      }),
    [],
  )
  if (kept.current.key !== key) kept.current = { key, rows: [] }
  if (!jobs) return { shown: [], newer: 0, show: () => {} }

  const { rows } = kept.current
  const isReading = isFirstPage && rows.length > 0 && (hold || scrollY > SCROLLED_PX)
  const shown = isReading ? withNews(rows, jobs, told.current) : jobs
  kept.current.rows = shown
  forgetOthers(told.current, shown)
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

type Told = Map<string, JobSummary>

const withNews = (rows: JobSummary[], jobs: JobSummary[], told: Told): JobSummary[] => {
  const byId = new Map(jobs.map((job) => [job.id, job]))
  return rows.map((row) => byId.get(row.id) ?? told.get(row.id) ?? row)
}

const forgetOthers = (told: Told, shown: JobSummary[]): void => {
  const ids = new Set(shown.map((row) => row.id))
  for (const id of told.keys()) if (!ids.has(id)) told.delete(id)
}
