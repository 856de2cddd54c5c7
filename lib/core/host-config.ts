import { z } from 'zod'
import { ConfigError } from './config.ts'

const environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(3_000),
  STINT_DATA_DIR: z.string().default('.stint'),
  STINT_FUNCTION_TIMEOUT_SECONDS: z.coerce.number().min(1).max(900).optional(),
  STINT_LOCAL_CONCURRENCY: z.coerce.number().int().min(1).max(64).optional(),
  STINT_CHAOS: z.coerce.number().int().min(0).max(0xffff_ffff).optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

/** What only the local host is told; the functions' own configuration is {@link readConfig}'s. */
export interface HostConfig {
  /** 0: any free one. */
  port: number
  dataDir: string
  /** Cuts the queue functions' time, so that continuation can be seen in seconds. */
  functionTimeoutSeconds: number | undefined
  /** Worker processes per queue, in place of what fits the machine's cores. */
  concurrency: number | undefined
  /** Makes the stack unreliable on purpose, in a way that the seed decides; undefined: it does its best. */
  chaosSeed: number | undefined
  logLevel: string
}

/** @throws {ConfigError} that lists every variable that is wrong, not only the first */
export const readHostConfig = (env: Record<string, string | undefined>): HostConfig => {
  const parsed = environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')))
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
    throw new ConfigError(`The configuration has ${problems.length} problem(s):\n${problems.join('\n')}`)
  }
  return {
    port: parsed.data.PORT,
    dataDir: parsed.data.STINT_DATA_DIR,
    functionTimeoutSeconds: parsed.data.STINT_FUNCTION_TIMEOUT_SECONDS,
    concurrency: parsed.data.STINT_LOCAL_CONCURRENCY,
    chaosSeed: parsed.data.STINT_CHAOS,
    logLevel: parsed.data.LOG_LEVEL,
  }
}
