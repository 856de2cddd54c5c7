import { Cron, type CronOptions } from 'croner'
import { invalidField } from '../core/errors.ts'

/** Ticks of one schedule come no closer than this. */
export const MIN_TICK_SECONDS = 10

/** The instants that a cron expression names in a time zone. */
export interface Ticks {
  /** The first one after an instant; null when none will ever come. */
  after(instant: Date): Date | null
}

/**
 * Reads a cron expression of five fields (minute, hour, day of month, month, day of week) or of six, seconds first.
 *
 * When clocks are put forward or back: an expression whose seconds, minutes and hours are plain numbers, lists or ranges
 * (`30 2 * * *`) means times of day, and each comes once: a time that doesn't exist at the first moment after the gap, a time
 * that exists twice at the first one. An expression with a `*` or a step in them (`0 * * * *`) follows elapsed time: times that
 * don't exist are left out, times that exist twice come twice.
 *
 * @throws {StintError} VALIDATION_FAILED that names `cron` or `timeZone`
 */
export const readCron = (expression: string, timeZone: string): Ticks => {
  const fields = expression.trim().split(/\s+/)
  if (fields.length !== 5 && fields.length !== 6) {
    throw invalidField('cron', 'expected 5 fields (minute hour day month weekday), or 6 with the second first')
  }
  demandTimeZone(timeZone)
  const cron = parse(fields.join(' '), { timezone: timeZone, fixedTimeRule: 'no-wildcard' })
  if (fields.length === 6) demandDistance(fields[0] ?? '')
  return { after: (instant) => cron.nextRun(instant) }
}

/** The first ticks after an instant, at most `count`. */
export const nextTicks = (ticks: Ticks, after: Date, count: number): Date[] => {
  const found: Date[] = []
  for (let tick = ticks.after(after); tick && found.length < count; tick = ticks.after(tick)) found.push(tick)
  return found
}

/** The latest tick up to `now`, given an earlier one. By bisection, however many ticks lie between. */
export const latestTick = (ticks: Ticks, known: Date, now: Date): Date => {
  const next = ticks.after(known)
  // Nearly always so. Each step takes a fifth of a millisecond, and thousands of schedules may be due at once.
  if (!next || next > now) return known
  let latest = next
  let low = next.getTime()
  let high = now.getTime()
  // Ticks are whole seconds.
  while (low + 1_000 <= high) {
    const middle = Math.floor((low + high) / 2)
    const tick = ticks.after(new Date(middle))
    if (tick && tick <= now) {
      latest = tick
      low = tick.getTime()
    } else high = middle
  }
  return latest
}

const parse = (expression: string, options: CronOptions): Cron => {
  try {
    return new Cron(expression, { ...options, paused: true, mode: '5-or-6-parts' })
  } catch (cause) {
    throw invalidField('cron', asWritten((cause as Error).message.replace(/^CronPattern: /, '')))
  }
}

/** Days and months are counted from 0 in croner's complaints: it calls month 13 a wrong month 12. */
const asWritten = (complaint: string): string =>
  complaint.replace(
    /^(Invalid value for (?:day|month|nearestWeekdays): )(-?\d+)$/,
    (_, said, value) => `${said}${Number(value) + 1}`,
  )

const demandTimeZone = (timeZone: string): void => {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch {
    throw invalidField(
      'timeZone',
      `${JSON.stringify(timeZone)} is no time zone: expected one like Europe/Berlin, or UTC`,
    )
  }
}

const MINUTE_MS = 60_000

/** Seconds may be no closer to each other than {@link MIN_TICK_SECONDS}, the last and the first of a minute included. */
const demandDistance = (field: string): void => {
  const minute = parse(`${field} * * * * *`, { utcOffset: 0 })
  const seconds = nextTicks({ after: (instant) => minute.nextRun(instant) }, new Date(-1_000), 60)
    .map((tick) => tick.getTime())
    .filter((ms) => ms < MINUTE_MS)
  const around = [...seconds, (seconds[0] ?? 0) + MINUTE_MS]
  const closest = Math.min(...seconds.map((ms, index) => (around[index + 1] ?? 0) - ms)) / 1_000
  if (closest >= MIN_TICK_SECONDS) return
  throw invalidField(
    'cron',
    `ticks must be at least ${MIN_TICK_SECONDS} s apart: the seconds ${field} come as close as ${closest} s`,
  )
}
