import { z } from 'zod'
import type { ScheduleRow, ScheduleSummaryRow } from '../../db/queries/schedules.ts'
import { id, timestamp } from '../../lib/http/schemas.ts'
import { nextTicks, readCron } from '../../lib/schedule/cron.ts'
import { viewOf } from './view-of.ts'

export const CATCH_UPS = ['skip', 'one', 'all'] as const

/** How many of the coming times are shown. */
const NEXT_RUNS = 5

/** A schedule in lists: without its input. */
export const scheduleSummary = z
  .object({
    id,
    projectId: id,
    name: z.string(),
    cron: z.string(),
    timeZone: z.string(),
    kind: z.string(),
    priority: z.int(),
    tags: z.array(z.string()),
    maxAttempts: z.int().nullable().meta({ description: 'Null: what the kind says.' }),
    timeoutSeconds: z.int().nullable().meta({ description: 'Null: what the kind says.' }),
    expiresInSeconds: z
      .int()
      .nullable()
      .meta({ description: 'From its tick on. Null: a job waits for as long as it takes.' }),
    catchUp: z.enum(CATCH_UPS),
    paused: z.boolean(),
    nextRuns: z
      .array(timestamp)
      .meta({ description: 'The next five; none while it is paused. After an error the first may be the next try.' }),
    lastRunAt: timestamp.nullable().meta({ description: 'The latest tick that made a job.' }),
    lastJobId: id.nullable().meta({ description: 'The job that it made.' }),
    error: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'Why the latest tick made no job.' }),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'ScheduleSummary' })

const schedule = scheduleSummary.extend({ input: z.unknown() }).meta({ id: 'Schedule' })

export const scheduleReply = z.object({ schedule })

const viewOfSummary = viewOf(scheduleSummary)

export const toSchedule = (row: ScheduleRow): z.input<typeof schedule> => ({
  ...toScheduleSummary(row),
  input: row.input,
})

export const toScheduleSummary = (row: ScheduleSummaryRow): z.input<typeof scheduleSummary> =>
  viewOfSummary({
    ...row,
    paused: row.pausedAt !== null,
    nextRuns: nextRuns(row).map((tick) => tick.toISOString()),
    lastRunAt: row.lastAt,
  })

const nextRuns = ({ cron, timeZone, nextAt }: ScheduleSummaryRow): Date[] =>
  nextAt === null ? [] : [nextAt, ...nextTicks(readCron(cron, timeZone), nextAt, NEXT_RUNS - 1)]
