import { type Logger, pino } from 'pino'

export type { Logger }

/**
 * The process's logger: one JSON object a line on standard output, as CloudWatch and every log shipper want it.
 * Tokens, passwords and secrets are cut out wherever a caller puts them by mistake.
 */
export const createLog = (level: string, name: string): Logger =>
  pino({
    level,
    name,
    redact: {
      paths: ['password', 'refreshToken', 'accessToken', 'authorization', '*.password', '*.authorization'],
      censor: '[cut]',
    },
    timestamp: pino.stdTimeFunctions.isoTime,
  })
