import { PermanentError } from '../../../lib/jobs/define.ts'
import { MAX_LINE_BYTES } from './limits.ts'

/** DuckDB's messages about a file, or about reading it, begin so. Others are about the machine, or about our code. */
const ABOUT_THE_FILE =
  /^(Invalid Input|Binder|Conversion|IO|Out of Range|Serialization|Not implemented|INTERNAL|TProtocolException|Invalid|Invalid type)\b/i

const NO_ROOM = /No space left on device/
const TOO_MUCH = /^Out of Memory|max_temp_directory_size|bad_alloc/i

/** DuckDB could not recognize the columns. */
export class UnknownShape extends PermanentError {}

/** The error that a statement about a file ended with: final if it is the file's fault. */
export const asProblem = (message: string): Error => {
  if (NO_ROOM.test(message)) return new Error(`there is no room for the file on this machine: ${message}`)
  if (TOO_MUCH.test(message))
    return new PermanentError('DATA_TOO_LARGE', 'The data take more memory to count than a job has.')
  if (message.includes('when sniffing file')) return new UnknownShape('DATA_UNREADABLE', sayOf(message))
  if (ABOUT_THE_FILE.test(message)) return new PermanentError('DATA_UNREADABLE', sayOf(message))
  return new Error(message)
}

/** DuckDB's reason in one sentence: its messages go on with advice about its options, and show whole lines. */
const sayOf = (message: string): string => {
  if (message.includes('when sniffing file'))
    return 'The file can’t be read as a CSV: its rows have different numbers of columns, or a quote is never closed.'
  const [, line] = /^.*CSV Error on Line: (\d+)/.exec(message) ?? []
  if (line === undefined) return `The file can’t be read: ${firstLine(message)}`
  return `The file can’t be read as a CSV, at line ${line}: ${reasonOf(message)}.`
}

const reasonOf = (message: string): string => {
  const [, expected, found] = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message) ?? []
  if (expected && found) return `it has ${found} columns instead of ${expected}`
  if (message.includes('unterminated quote')) return 'a quote is opened and never closed'
  if (message.includes('Maximum line size')) return `it has more than ${MAX_LINE_BYTES} bytes`
  if (/unicode|utf-8/i.test(message)) return 'it is not UTF-8; name its `encoding`'
  const [reason] = /^(?:Error when converting|Could not convert).*$/m.exec(message) ?? []
  return reason ?? firstLine(message.split('\n').slice(2).join('\n'))
}

/** Without DuckDB's name for the kind of error, and without the path of the file. */
const firstLine = (message: string): string =>
  (message.split('\n').find((it) => it.trim() !== '') ?? '')
    .replace(/^(?:[A-Z][\w ]* )?Error: /, '')
    .replaceAll(/(?:\bfile )?["']?\/[^\s"']*["']?/g, 'the file')
    .slice(0, 300)

/** The signals of a process that crashed by itself and wasn't ended by anybody. */
const CRASHES = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP']

/** The error for a reader that ended: final if the file crashed it, and retried if somebody ended it. */
export const asDeath = (code: number | null, signal: NodeJS.Signals | null): Error => {
  const died = `the process that read the file ended with ${signal ?? code}`
  const crashed = signal ? CRASHES.includes(signal) : code !== 0
  return crashed ? new PermanentError('DATA_UNREADABLE', `The file can’t be read: ${died}.`) : new Error(died)
}
