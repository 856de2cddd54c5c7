/** What a report is about. */
export interface Period {
  from: Date
  to: Date
  timeZone: string
  unit: 'hour' | 'day'
}

const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

/** Up to three days are shown by the hour. */
export const unitOf = (from: Date, to: Date): Period['unit'] =>
  to.getTime() - from.getTime() <= 3 * DAY_MS ? 'hour' : 'day'

/** The hours or days of a period, those without a job included. */
export const bucketsOf = (period: Period): string[] => {
  const [from, last] = [period.from.getTime(), period.to.getTime() - 1]
  const names = new Set<string>()
  // Hour by hour, since a day has 23 to 25 of them.
  for (let at = from; at < last; at += HOUR_MS / 4) names.add(bucketName(new Date(at), period))
  return [...names.add(bucketName(new Date(last), period))]
}

/**
 * `2026-11-25`, or with an hour `2026-11-25 14:00`. Named nowhere else: to PostgreSQL `+05:30` is a zone in the west, and
 * `CET` one without a summer.
 */
export const bucketName = (at: Date, { timeZone, unit }: Pick<Period, 'timeZone' | 'unit'>): string => {
  const parts = formatOf(timeZone).formatToParts(at)
  const part = (type: string) => parts.find((it) => it.type === type)?.value ?? ''
  const day = `${part('year')}-${part('month')}-${part('day')}`
  return unit === 'hour' ? `${day} ${part('hour')}:00` : day
}

/** An instant, as people of a time zone read it: `2026-11-25 14:03`. */
export const localTime = (at: Date, timeZone: string): string => {
  const parts = formatOf(timeZone).formatToParts(at)
  const part = (type: string) => parts.find((it) => it.type === type)?.value ?? ''
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}`
}

const formats = new Map<string, Intl.DateTimeFormat>()
const formatOf = (timeZone: string): Intl.DateTimeFormat => {
  const known = formats.get(timeZone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  formats.set(timeZone, made)
  return made
}
