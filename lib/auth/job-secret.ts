import { createHmac } from 'node:crypto'
import type { App } from '../app.ts'

/**
 * A secret of a job, 256 bits as base64url: the same in each of its stints, and stored nowhere. So it can stand in what
 * the job sends, while its input, which others may read, says nothing of it.
 */
export const jobSecret = ({ config }: Pick<App, 'config'>, jobId: string, purpose: string): string =>
  createHmac('sha256', Buffer.from(config.auth.refreshKey, 'base64'))
    .update(`job ${jobId} ${purpose}`)
    .digest('base64url')
