import { z } from 'zod'
import * as accountTokens from '../../db/queries/account-tokens.ts'
import * as users from '../../db/queries/users.ts'
import { hashSecret } from '../../lib/auth/secret-hash.ts'
import { defineJob, PermanentError } from '../../lib/jobs/define.ts'
import { ACCOUNT_MAILS, linkOf, PURPOSES, writeAccountMail } from './mail/account-mails.ts'
import { throwIfDeferred } from './mail/deferred.ts'

/**
 * A mail to a person about their account. Whether there is such a person is looked up here, so that whoever asks for
 * a mail learns nothing from the answer or its time. The token in it is derived here, so that nobody can read it in the job.
 */
export const accountMail = defineJob({
  kind: 'account.mail',
  summary: 'Sends a person a mail about their account',
  input: z.strictObject({ purpose: z.enum(PURPOSES), email: z.string() }),
  output: z.object({ sent: z.boolean() }),
  checkpoint: z.object({
    sent: z.boolean().meta({ description: 'False while an exchange with the server is under way' }),
  }),
  maxAttempts: 12,
  backoff: { baseSeconds: 15, capSeconds: 1_800 },
  concurrency: 20,
  async *run({ job, input: { purpose, email }, checkpoint, fenced, mail, secret }) {
    if (checkpoint?.sent) return { sent: true }
    const token = secret(purpose)
    const person = await fenced(async (tx) => {
      if (purpose === 'email-changed') return { email, name: '', emailConfirmedAt: null }
      const found = await users.findByEmail(tx, email)
      if (!found || (purpose === 'confirm-email' && found.emailConfirmedAt)) return null
      if (purpose === 'password-changed') return found
      const { validSeconds } = ACCOUNT_MAILS[purpose]
      const made = { jobId: job.id, userId: found.id, purpose, email: found.email, tokenHash: hashSecret(token) }
      await accountTokens.insert(tx, { ...made, validSeconds })
      return found
    })
    if (!person) return { sent: false }

    const link = linkOf(purpose, mail.publicUrl, token)
    if (!checkpoint) yield { checkpoint: { sent: false }, durable: true }
    const name = person.emailConfirmedAt ? person.name : undefined
    const written = { ...writeAccountMail(purpose, { name, link }), to: [person.email] }
    const { rejected, deferred } = await mail.send(written, written.to)
    if (rejected[0]) throw new PermanentError('MAIL_REJECTED', rejected[0].reply)
    throwIfDeferred(deferred)
    yield { checkpoint: { sent: true }, progress: 1, durable: true }
    return { sent: true }
  },
})
