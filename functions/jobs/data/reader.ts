import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PermanentError } from '../../../lib/jobs/define.ts'
import { PROCESS_BYTES, STATEMENT_CPU_SECONDS } from './limits.ts'
import { asDeath, asProblem } from './problems.ts'

/** DuckDB in a process of its own: a bad file can't harm anything else, and the process can be ended at any time. */
export interface Reader {
  /** Where the file belongs, before the first statement reads it. */
  path: string
  /** Runs one statement. @throws {PermanentError} DATA_UNREADABLE, DATA_TOO_LARGE: it is the file's fault */
  ask<Row>(sql: string): Promise<Row[]>
  /** Ends the process, and removes everything that it had on the disk. */
  close(): Promise<void>
}

/** What the process answers with. */
export type Answer = { rows: unknown[] } | { problem: string } | { late: true }

const PROCESS = new URL('./reader-process.ts', import.meta.url)

/** The shell makes the limit of memory, which Node can't: the process fails alone, and takes no neighbour with it. */
const LIMITED = `ulimit -d ${PROCESS_BYTES / 1024} 2>/dev/null; exec "$0" "$@"`

/** @param statementSeconds of the CPU that one statement may use */
export const openReader = async (
  signal: AbortSignal,
  { statementSeconds = STATEMENT_CPU_SECONDS }: { statementSeconds?: number } = {},
): Promise<Reader> => {
  const folder = await mkdtemp(join(tmpdir(), 'stint-data-'))
  const path = join(folder, 'file')
  const program = [process.execPath, fileURLToPath(PROCESS), folder, path, String(statementSeconds)]
  const child = spawn('/bin/sh', ['-c', LIMITED, ...program], {
    // It gets nothing of our environment except the path of Node's own libraries, where they are installed separately.
    env: { LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'] },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const gone = new Promise<Error>((resolve) => {
    child.once('error', resolve)
    child.once('exit', (code, by) => resolve(asDeath(code, by)))
  })
  const end = () => child.kill('SIGKILL')
  signal.addEventListener('abort', end)

  return {
    path,
    ask: async <Row>(sql: string) => {
      signal.throwIfAborted()
      const answer = await Promise.race([answerOf(child, sql), gone])
      // If it was ended because the job has to stop, that is no failure.
      signal.throwIfAborted()
      if (answer instanceof Error) throw answer
      if ('late' in answer) throw tooSlow(statementSeconds)
      if ('problem' in answer) throw asProblem(answer.problem)
      return answer.rows as Row[]
    },
    close: async () => {
      signal.removeEventListener('abort', end)
      end()
      await gone
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const answerOf = async (child: ChildProcess, sql: string): Promise<Answer> => {
  const answer = once(child, 'message')
  // A child that is gone can't be sent a message. That it is gone is reported elsewhere.
  child.send(sql, () => {})
  const [message] = (await answer) as [Answer]
  return message
}

const tooSlow = (seconds: number): PermanentError =>
  new PermanentError('DATA_TOO_LARGE', `The data take more than ${seconds} s of computing for one step.`)
