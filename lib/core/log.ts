import { type Logger, pino } from 'pino'

export type { Logger }

/** What waits at most while standard output takes nothing; what comes then is dropped. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/**
 * The process's logger: one JSON object a line on standard output, as CloudWatch and every log shipper want it.
 * Tokens, passwords and secrets are cut out wherever a caller puts them by mistake.
 */
export const createLog = (level: string, name: string): Logger =>
  pino(
    {
      level,
      name,
      redact: {
        paths: ['password', 'refreshToken', 'accessToken', 'authorization', '*.password', '*.authorization'],
        censor: '[cut]',
      },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    standardOutput(),
  )

/**
 * While the disk behind it is full, lines wait, and too many are dropped. Left to itself pino takes that for the end of
 * the process, and then has it wait for room for ever instead of ending.
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
