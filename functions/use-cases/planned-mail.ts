import type { Sql } from '../../db/client.ts'
import * as jobs from '../../db/queries/jobs.ts'
import type { App } from '../../lib/app.ts'
import { type Prepared, prepare } from '../../lib/jobs/prepare.ts'
import { countSubmitted } from '../../lib/metrics/jobs.ts'
import { ringFor } from '../../lib/queue/ring.ts'
import { ownTraceparent } from '../../lib/tracing/traces.ts'
import { accountMail } from '../jobs/account-mail.ts'
import type { Purpose } from '../jobs/mail/account-mails.ts'

/** The project of Stint's own jobs: it has no members, so the API shows them to no one. */
export const NO_PROJECT = '00000000-0000-0000-0000-000000000000'

/**
 * Plans a mail that is sent if a transaction commits: call `insert` in the transaction and `announce` after it. If no mails can
 * be sent, both do nothing.
 */
export const plannedMail = (app: App, purpose: Purpose, email: string) => {
  const planned = app.config.mail.publicUrl === undefined ? undefined : prepareMail(purpose, email)
  return {
    insert: async (tx: Sql): Promise<void> => {
      if (planned) await jobs.insert(tx, [{ ...planned.row, traceparent: ownTraceparent(app.traces, planned.row.id) }])
    },
    announce: async (): Promise<void> => {
      if (!planned) return
      app.committed()
      countSubmitted(app.metrics, [planned.row])
      await ringFor(app, [{ queue: planned.row.queue, delayMs: 0 }])
    },
  }
}

const prepareMail = (purpose: Purpose, email: string): Prepared =>
  prepare(
    [accountMail],
    { kind: accountMail.kind, input: { purpose, email } },
    { projectId: NO_PROJECT, createdBy: null },
  )
