import { isUnreachable } from '../../db/client.ts'
import * as jobLogs from '../../db/queries/job-logs.ts'
import type { App } from '../app.ts'
import { storable } from '../core/storable.ts'
import type { JobLog } from './define.ts'
import { toLogJson, toLogText } from './logged.ts'
import type { Stint } from './stint.ts'

/** Lines of one job that are written together; the rest is dropped, and said so. */
const MAX_LINES = 1_000
/** What the lines of all jobs may hold that wait to be written; the rest is dropped. In characters. */
const MAX_WAITING = 16 * 1024 * 1024
/** What a line holds beside its message and its data, about. */
const LINE_SIZE = 100
/** What a line says, in characters, and what it holds, as JSON (bytes): a hundred of them must fit into an answer. */
const MAX_MESSAGE = 10_000
const MAX_LINE_DATA_BYTES = 64 * 1024

export interface LogLines {
  /** The log that a stint writes to. */
  logFor(stint: Stint): JobLog
  /** Writes the lines that wait. */
  flush(): Promise<void>
}

/** Lines that wait to be written together. */
interface Lines {
  lines: jobLogs.NewLogLine[]
  /** Of what they hold, in characters. */
  size: number
  /** So many of the first were sent before, and may have been written: there was no answer. */
  again: number
}

/** Gathers what the jobs of a process log, until it is written for all of them together. */
export const createLogLines = (app: App): LogLines => {
  let waiting: Lines = { lines: [], size: 0, again: 0 }

  /** One after the other: who asks wants its lines written, also those that another flush has taken along. */
  let flushing: Promise<void> = Promise.resolve()
  let flushes = 0
  const flush = async (): Promise<void> => {
    if (waiting.lines.length === 0 && flushes === 0) return
    flushes++
    const flushed = flushing.then(writeLines)
    flushing = flushed.catch(() => {})
    await flushed.finally(() => flushes--)
  }

  const writeLines = async (): Promise<void> => {
    const { lines, size, again } = waiting
    if (lines.length === 0) return
    waiting = { lines: [], size: 0, again: 0 }
    try {
      await jobLogs.insertFenced(app.sql, lines, again)
    } catch (error) {
      waiting = {
        lines: [...lines, ...waiting.lines],
        size: size + waiting.size,
        again: isUnreachable(error) ? lines.length : again,
      }
      throw error
    }
  }

  const addLine = (stint: Stint, level: jobLogs.NewLogLine['level'], message: string, data: string | null): void => {
    const { id: jobId, stint: number } = stint.job
    waiting.lines.push({ jobId, stint: number, level, message, data, at: new Date(app.clock.now()).toISOString() })
    waiting.size += LINE_SIZE + message.length + (data?.length ?? 0)
  }

  return {
    flush,
    logFor: (stint) => {
      let among = waiting
      let count = 0
      const write =
        (level: jobLogs.NewLogLine['level']) =>
        (message: string, data?: Record<string, unknown>): void => {
          if (among !== waiting) count = 0
          among = waiting
          if (count > MAX_LINES || waiting.size > MAX_WAITING) return
          if (count++ === MAX_LINES) addLine(stint, 'warn', `lines after these ${MAX_LINES} were dropped`, null)
          else {
            const text = storable(toLogText(message)).slice(0, MAX_MESSAGE)
            addLine(stint, level, text, data === undefined ? null : storableData(data))
          }
        }
      return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
    },
  }
}

/** As {@link storable}, for JSON text, where they stand as escapes. An escaped backslash begins none. */
const storableJson = (json: string): string =>
  json.replace(/\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/gi, (it) => (/^\\u(0000|d[89a-f])/i.test(it) ? '' : it))

/** A line's data as JSON text; of what is too large, its size. */
const storableData = (data: Record<string, unknown>): string => {
  const json = storableJson(toLogJson(data))
  const bytes = Buffer.byteLength(json)
  return bytes > MAX_LINE_DATA_BYTES ? JSON.stringify({ omittedBytes: bytes }) : json
}
