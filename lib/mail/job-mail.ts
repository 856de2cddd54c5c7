import * as rateLimits from '../../db/queries/rate-limits.ts'
import type { App } from '../app.ts'
import { madeAt } from '../core/ids.ts'
import { PermanentError, RetryLater, type SharedJobContext } from '../jobs/define.ts'
import { compose } from './compose.ts'

type Mail = SharedJobContext<unknown, unknown>['mail']

/** The one mail that a job may send, however often it is handed over to the server. */
export const jobMail = (app: App, job: { jobId: string; projectId: string }): Mail => {
  const { from, ratePerMinute } = app.config.mail
  const messageId = `${job.jobId}@${domainOf(from)}`
  return {
    messageId,
    publicUrl: app.config.mail.publicUrl ?? '',
    leavesThisMachine: app.config.mail.smtpUrl !== undefined,

    allow: async () => {
      const bucket = { key: `mail:project:${job.projectId}`, perMinute: ratePerMinute }
      if (await rateLimits.take(app.sql, bucket)) return
      throw new RetryLater(Math.ceil(60 / ratePerMinute), `the project has sent ${ratePerMinute} mails in a minute`)
    },

    send: async (mail, to) => {
      if (!app.mailer) throw new PermanentError('MAIL_NOT_CONFIGURED', 'This installation sends no mail.')
      // A mail that is sent again must have the same date.
      const bytes = await compose({ ...mail, from, messageId, date: madeAt(job.jobId) })
      return app.mailer.send({ messageId, bytes }, { from: addressOf(from), to })
    },
  }
}

/** `Stint <stint@example.com>` or the address alone. */
const addressOf = (from: string): string => /<([^<>]+)>$/.exec(from)?.[1] ?? from

const domainOf = (from: string): string => addressOf(from).split('@').at(-1) ?? 'localhost'
