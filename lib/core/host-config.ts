import { z } from 'zod'
import { list, readVariables } from './config.ts'

/** Lambda's limit: no function may take longer. */
export const MAX_FUNCTION_SECONDS = 900

const environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(3_000),
  STINT_TRUSTED_PROXIES: list(
    z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'expected addresses, or networks such as 10.0.0.0/8'),
  ),
  STINT_DATA_DIR: z.string().default('.stint'),
  STINT_FUNCTION_TIMEOUT_SECONDS: z.coerce.number().min(1).max(MAX_FUNCTION_SECONDS).optional(),
  STINT_LOCAL_CONCURRENCY: z.coerce.number().int().min(1).max(64).optional(),
  STINT_CHAOS: z.coerce.number().int().min(0).max(0xffff_ffff).optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

/** What only the local host is told; the functions' own configuration is {@link readConfig}'s. */
export interface HostConfig {
  /** 0: any free one. */
  port: number
  /** Addresses and networks of proxies in front of it. Their callers are told apart by X-Forwarded-For. */
  trustedProxies: string[]
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
  const given = readVariables(environment, env)
  return {
    port: given.PORT,
    trustedProxies: given.STINT_TRUSTED_PROXIES,
    dataDir: given.STINT_DATA_DIR,
    functionTimeoutSeconds: given.STINT_FUNCTION_TIMEOUT_SECONDS,
    concurrency: given.STINT_LOCAL_CONCURRENCY,
    chaosSeed: given.STINT_CHAOS,
    logLevel: given.LOG_LEVEL,
  }
}
