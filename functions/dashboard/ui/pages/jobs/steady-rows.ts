import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { JobSummary } from '../../data/job.ts'

/** From how far down the page a new row on top would move what is being read. */
const SCROLLED_PX = 80

/**
 * Rows that don't jump. New jobs come on top by themselves as long as nobody is reading further down or has chosen
 * some; otherwise they are held back and counted until asked for.
 */
export const useSteadyRows = (
  key: string,
  jobs: JobSummary[] | undefined,
  { isFirstPage, hold }: { isFirstPage: boolean; hold: boolean },
) => {
  const top = useRef<{ key: string; id: string | undefined }>({ key, id: undefined })
  const asked = useSignal(0)
  if (top.current.key !== key) top.current = { key, id: undefined }
  if (!jobs || !isFirstPage) return { shown: jobs ?? [], newer: 0, show: () => {} }

  const isReading = hold || scrollY > SCROLLED_PX
  if (!isReading || top.current.id === undefined) top.current.id = jobs[0]?.id
  const { id } = top.current
  // Ids are in the order of time.
  const shown = id === undefined ? jobs : jobs.filter((job) => job.id <= id)
  return {
    shown,
    newer: jobs.length - shown.length,
    show: () => {
      scrollTo({ top: 0 })
      top.current.id = undefined
      asked.value++
    },
  }
}
