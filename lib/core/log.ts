import { type Logger, pino } from 'pino'

export type { Logger }

/** What waits at most while standard output takes nothing; what comes then is dropped. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** What nobody should log, by the names that it goes by here. */
const SECRETS = ['password', 'refreshToken', 'accessToken', 'authorization']

/**
 * The process's logger: one JSON object a line on standard output, as CloudWatch and every log shipper want it.
 * {@link SECRETS} that are logged by mistake are cut out, by themselves or in an object; deeper down nobody looks.
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
