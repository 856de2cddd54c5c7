import { CommanderError } from 'commander'
import { isRefusedSession, isUnreachable } from '../../db/client.ts'
import { ProblemError, UnreachableError } from '../../lib/client/problem-error.ts'
import { ConfigError } from '../../lib/core/config.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import { harmless } from './print.ts'

/** An error's message for people, and its exit code for scripts; undefined for unexpected errors. */
export const explain = (error: unknown, env: Io['env'] = {}): { message: string; exitCode: number } | undefined => {
  if (error instanceof CommandError) return error
  if (error instanceof ProblemError) return explainProblem(error, env)
  if (error instanceof UnreachableError)
    return { message: harmless(`${error.message}: ${causeOf(error)}`), exitCode: EXIT.unreachable }
  // commander has printed it already.
  if (error instanceof CommanderError) return { message: '', exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage }
  if (error instanceof ConfigError) return { message: error.message, exitCode: EXIT.usage }
  if (isAboutFile(error)) return { message: harmless(error.message), exitCode: EXIT.usage }
  if (isUnreachable(error)) return { message: harmless((error as Error).message), exitCode: EXIT.unreachable }
  if (isRefusedSession(error))
    return { message: harmless(`PostgreSQL refuses: ${(error as Error).message}`), exitCode: EXIT.usage }
  if (error instanceof Error && error.name === 'AbortError') return { message: '', exitCode: EXIT.interrupted }
  return undefined
}

const explainProblem = ({ status, code, title, message, errors, requestId }: ProblemError, env: Io['env']) => {
  const fields = errors.map((it) => `  ${harmless(it.path || 'the request')}: ${harmless(it.message)}`)
  // The API's title speaks of an address, but the person typed an id.
  const shortly = code === 'NOT_FOUND' ? 'Nothing has this id or name' : title
  const head = harmless(fields.length > 0 ? shortly : message === title ? title : `${title}: ${message}`)
  const trace = status >= 500 && requestId ? [`  request ${harmless(requestId)}`] : []
  const exitCode = status >= 500 ? EXIT.unreachable : status === 401 ? EXIT.signIn : EXIT.refused
  const again = env['STINT_TOKEN'] ? 'STINT_TOKEN is set, and is what was refused' : 'stint login signs in again'
  const hint = status === 401 && code === 'UNAUTHENTICATED' ? [`  ${again}`] : []
  return { message: [head, ...fields, ...trace, ...hint].join('\n'), exitCode }
}

/** Whether it is an error of the file system. */
const isAboutFile = (error: unknown): error is Error => error instanceof Error && 'syscall' in error && 'path' in error

const causeOf = ({ cause }: Error): string => {
  const inner = (cause as Error | undefined)?.cause ?? cause
  const { code, message } = (inner ?? {}) as NodeJS.ErrnoException
  return code ?? message ?? 'no answer'
}
