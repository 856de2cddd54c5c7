import { createHmac } from 'node:crypto'
import type { App } from '../app.ts'
import { needed } from '../core/config.ts'

/**
 * A secret of a job, 256 bits as base64url: the same in each of its stints, and stored nowhere. So it can stand in what
 * the job sends, while its input, which others may read, says nothing of it.
 * @throws {ConfigError} where JOB_SECRET_KEY is not set
 */
export const jobSecret = ({ config }: Pick<App, 'config'>, jobId: string, purpose: string): string =>
  createHmac('sha256', Buffer.from(needed(config.engine.jobSecretKey, 'JOB_SECRET_KEY'), 'base64'))
    .update(`job ${jobId} ${purpose}`)
    .digest('base64url')
