import { z } from 'zod'
import * as activities from '../../db/queries/activity.ts'
import { firstIdAt, madeAt } from '../../lib/core/ids.ts'
import { defineJob, PermanentError } from '../../lib/jobs/define.ts'
import { activity, add, BINS_MS, byState, jobsIn, LONGEST, nothing } from './report/activity.ts'
import type { Report } from './report/figures.ts'
import { bucketName, DAY_MS, unitOf } from './report/period.ts'

const MAX_DAYS = 92

const FORMATS = ['html', 'csv', 'pdf'] as const
const file = z.object({ format: z.enum(FORMATS), fileId: z.uuid(), sizeBytes: z.int() })

const counts = z.object({ jobs: z.int(), succeeded: z.int(), failed: z.int(), cancelled: z.int(), notEnded: z.int() })

const instant = z.iso.datetime({ offset: true })

const input = z
  .strictObject({
    from: instant.optional().meta({ description: 'The start; by default seven days before the end' }),
    to: instant.optional().meta({ description: 'The end; by default when the job was submitted' }),
    timeZone: z
      .string()
      .max(100)
      .refine(isTimeZone, 'expected a time zone of the IANA, as Europe/Berlin')
      .default('UTC')
      .meta({ description: 'Decides when days and hours begin' }),
    formats: z
      .array(z.enum(FORMATS))
      .min(1)
      .refine((them) => new Set(them).size === them.length, 'expected each once')
      .default([...FORMATS]),
    title: z.string().trim().min(1).max(100).default('Activity'),
  })
  .refine(({ from, to }) => !from || !to || Date.parse(from) < Date.parse(to), {
    path: ['to'],
    message: 'expected to be after from',
  })
  .refine(({ from, to }) => !from || !to || Date.parse(to) - Date.parse(from) <= MAX_DAYS * DAY_MS, {
    path: ['from'],
    message: `expected at most ${MAX_DAYS} days before to`,
  })

/**
 * Counted in one transaction, in half a second. It holds the job's row, and while it does no lease of the process can be
 * renewed: a day of millions, in one, would cost it all of them.
 */
const MAX_COUNTED = 20_000

/** Counts day by day, or less, by ranges of ids, so that no query is long however much a project does; then writes the files. */
export const reportBuild = defineJob({
  kind: 'report.build',
  summary: "Reports on a project's jobs, as HTML, CSV and PDF",
  input,
  output: z.object({ from: z.string(), to: z.string(), counts, files: z.array(file) }),
  checkpoint: z.object({
    until: z.iso.datetime().meta({ description: 'Counted up to then' }),
    activity,
    files: z.array(file).meta({ description: 'Those that are written' }),
  }),
  concurrency: 4,
  async *run({ job, input: { from: given, to: end, timeZone, formats, title }, checkpoint, fenced, files }) {
    const submitted = madeAt(job.id)
    const to = end === undefined ? submitted : new Date(end)
    const from = new Date(given ?? to.getTime() - 7 * DAY_MS)
    if (from >= to || to.getTime() - from.getTime() > MAX_DAYS * DAY_MS)
      throw new PermanentError(
        'PERIOD_INVALID',
        `From ${from.toISOString()} to ${to.toISOString()} are not up to ${MAX_DAYS} days.`,
      )
    const period = { from, to, timeZone, unit: unitOf(from, to) }
    let {
      until,
      activity: known,
      files: written,
    } = checkpoint ?? { until: from.toISOString(), activity: nothing(), files: [] }
    const steps = Math.ceil((to.getTime() - from.getTime()) / DAY_MS) + formats.length

    for (let start = new Date(until); start < to; start = new Date(until)) {
      const { next, rows, longest } = await fenced(async (tx) => {
        const dayLater = Math.min(start.getTime() + DAY_MS, to.getTime())
        const stretch = { projectId: job.projectId, firstId: firstIdAt(start.getTime()), endId: firstIdAt(dayLater) }
        const further = await activities.findNth(tx, stretch, MAX_COUNTED)
        // Ids of the same millisecond stay together.
        const next = further ? Math.max(madeAt(further).getTime(), start.getTime() + 1) : dayLater
        const query = { ...stretch, endId: firstIdAt(next) }
        return {
          next: new Date(next),
          rows: await activities.count(tx, { ...query, binsMs: BINS_MS }),
          longest: await activities.listLongest(tx, query, LONGEST),
        }
      })
      known = add(known, rows, longest, (at) => bucketName(at, period))
      until = next.toISOString()
      const progress = (next.getTime() - from.getTime()) / DAY_MS / steps
      yield {
        checkpoint: { until, activity: known, files: written },
        progress,
        partial: { until, counts: countsOf(known) },
      }
    }

    const report: Report = { title, period, activity: known }
    for (const format of formats.slice(written.length)) {
      const made = await write(report, format, submitted)
      written = [...written, { format, ...(await files.write(made)) }]
      const partial = { until, counts: countsOf(known), files: written }
      const progress = (steps - formats.length + written.length) / steps
      // Durable: a file that is in no checkpoint would be made again.
      yield { checkpoint: { until, activity: known, files: written }, progress, partial, durable: true }
    }
    return { from: from.toISOString(), to: to.toISOString(), counts: countsOf(known), files: written }
  },
})

const write = async (report: Report, format: (typeof FORMATS)[number], submitted: Date) => {
  const name = `report-${report.period.to.toISOString().slice(0, 10)}.${format}`
  if (format === 'csv') {
    const { toCsv } = await import('./report/csv.ts')
    return { name, contentType: 'text/csv', bytes: Buffer.from(toCsv(report.activity, report.period.unit)) }
  }
  if (format === 'html') {
    const { toHtml } = await import('./report/html.ts')
    return { name, contentType: 'text/html', bytes: Buffer.from(toHtml(report)) }
  }
  const { toPdf } = await import('./report/pdf.ts')
  return { name, contentType: 'application/pdf', bytes: await toPdf(report, submitted) }
}

const countsOf = (of: z.infer<typeof activity>): z.infer<typeof counts> => {
  const { succeeded = 0, failed = 0, cancelled = 0 } = byState(of.cells)
  const jobs = jobsIn(of)
  return { jobs, succeeded, failed, cancelled, notEnded: jobs - succeeded - failed - cancelled }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
