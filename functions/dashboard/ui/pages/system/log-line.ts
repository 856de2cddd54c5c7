import { timeOfDay } from '../../parts/format.ts'

/** A line of a log that was written for programs. */
export interface LogLine {
  /** The time of the day. */
  time: string
  level: string
  message: string
  /** What else it says, as JSON. */
  rest: string
}

/** pino's numbers for the levels. */
const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }
/** Fields that are the same in every line of a process, and those that are shown anyway. */
const USUAL = new Set(['level', 'time', 'timestamp', 'msg', 'message', 'name', 'pid', 'hostname', 'fields'])

/** Parses a line that is a JSON object, as Stint's processes and the broker write. Undefined for any other text. */
export const readLogLine = (text: string): LogLine | undefined => {
  const line = parse(text)
  if (!line) return undefined
  const { fields } = line as { fields?: Record<string, unknown> }
  const message = line['msg'] ?? line['message'] ?? fields?.['message']
  const time = line['time'] ?? line['timestamp']
  if (typeof message !== 'string' || typeof time !== 'string') return undefined
  const rest = Object.fromEntries(Object.entries(line).filter(([name]) => !USUAL.has(name)))
  return {
    time: timeOfDay(time),
    level: LEVELS[Number(line['level'])] ?? String(line['level'] ?? '').toLowerCase(),
    message,
    rest: Object.keys(rest).length > 0 ? JSON.stringify(rest) : '',
  }
}

const parse = (text: string): Record<string, unknown> | undefined => {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
