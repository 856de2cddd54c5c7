import { createHmac } from 'node:crypto'
import type { App } from '../app.ts'
import { needed } from '../core/config.ts'

/**
 * A secret of a job, 256 bits as base64url: the same in all of its stints, and stored nowhere. A job can send it to somebody
 * although others may read the job's input.
 * @throws {ConfigError} where JOB_SECRET_KEY is not set
 */
export const jobSecret = ({ config }: Pick<App, 'config'>, jobId: string, purpose: string): string =>
  createHmac('sha256', Buffer.from(needed(config.engine.jobSecretKey, 'JOB_SECRET_KEY'), 'base64'))
    .update(`job ${jobId} ${purpose}`)
    .digest('base64url')
