const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const dates = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'long' })
const SHORT = {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
} as const

export const count = (value: number): string => numbers.format(value)
/** `1 job`, `1,200 jobs`. */
export const quantity = (value: number, one: string, more = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : more}`
/** Where the person is, with the name of that zone. */
export const instant = (time: string): string => dates.format(new Date(time))

/** The time of the day to the millisecond, in the browser's time zone. */
export const timeOfDay = (time: string): string => {
  const at = new Date(time)
  return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

/** Day and time, in the given time zone or the browser's. */
export const shortInstant = (time: string, timeZone?: string): string =>
  new Intl.DateTimeFormat('en-GB', { ...SHORT, ...(timeZone && { timeZone }) }).format(new Date(time))
/** The first letters of a text, without cutting one in half. */
export const cut = (text: string, most: number): string => {
  if (text.length <= most) return text
  return `${[...text.slice(0, 2 * most)].slice(0, most).join('')}…`
}

export const percent = (part: number): string => `${Math.floor(part * 100)} %`

/** Two units at most: `1 h 4 min`, `12 s`, `340 ms`. */
export const duration = (ms: number): string => {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = ms / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return joined([minutes, 'min'], [Math.floor(seconds % 60), 's'])
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return joined([hours, 'h'], [minutes % 60, 'min'])
  return joined([Math.floor(hours / 24), 'd'], [hours % 24, 'h'])
}

const joined = (...parts: [number, string][]): string =>
  parts
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')

/** `2 min ago`, `in 3 h`, to the largest unit; `now` within two seconds. */
export const relative = (time: string, now: number): string => {
  const ms = Date.parse(time) - now
  const size = Math.abs(ms)
  if (size < 2_000) return 'now'
  const [value, unit] =
    size < 60_000
      ? [size / 1_000, 's']
      : size < 3_600_000
        ? [size / 60_000, 'min']
        : size < 172_800_000
          ? [size / 3_600_000, 'h']
          : [size / 86_400_000, 'd']
  const text = `${Math.floor(value)} ${unit}`
  return ms < 0 ? `${text} ago` : `in ${text}`
}

export const bytes = (size: number): string => {
  if (size < 1_024) return `${size} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length, Math.floor(Math.log2(size) / 10))
  return `${numbers.format(size / 1_024 ** power)} ${units[power - 1]}`
}
