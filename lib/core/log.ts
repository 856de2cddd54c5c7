import { type Logger, pino } from 'pino'

export type { Logger }

/** How much waits, at most, while standard output takes nothing; lines beyond that are dropped. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** The names of fields that must not be logged. */
const SECRETS = ['password', 'refreshToken', 'accessToken', 'authorization']

/**
 * The process's logger: one JSON object a line on standard output, as CloudWatch and every log shipper want it.
 * {@link SECRETS} that are logged by mistake are removed, at the top level and one level below, but not deeper.
 */
export const createLog = (level: string, name: string): Logger =>
  pino(
    {
      level,
      name,
      redact: {
        paths: SECRETS.flatMap((name) => [name, `*.${name}`]),
        censor: '[cut]',
      },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    standardOutput(),
  )

/**
 * While the disk behind standard output is full, lines wait, and beyond a limit they are dropped. By default pino would take
 * this for a fatal error, and then wait for room for ever instead of ending the process.
 */
const standardOutput = (): ReturnType<typeof pino.destination> => {
  const output = pino.destination({ fd: process.stdout.fd || 1, sync: false, maxLength: MAX_WAITING_BYTES })
  const flush = output.flushSync.bind(output)
  let takes = true
  output.on('error', () => {
    takes = false
  })
  output.on('write', () => {
    takes = true
  })
  output.flushSync = () => {
    if (takes) flush()
  }
  return output
}
