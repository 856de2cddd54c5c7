import { z } from 'zod'
import * as users from '../../db/queries/users.ts'
import { defineJob, PermanentError, type SharedJobContext } from '../../lib/jobs/define.ts'
import { throwIfDeferred } from './mail/deferred.ts'
import { type Message, message, recipientsOf } from './mail/message.ts'
import { fill, fillHtml } from './mail/template.ts'

/** Of all attachments together; with what MIME adds it stays below what servers usually take. */
const MAX_ATTACHED_BYTES = 10_000_000

const refusal = z.object({ address: z.string(), reply: z.string().meta({ description: 'What the server said' }) })
const reached = {
  accepted: z.array(z.string()).meta({ description: 'Recipients that the server has taken the mail for' }),
  rejected: z.array(refusal).meta({ description: 'Recipients that it refused for good' }),
}

const checkpoint = z.object({
  ...reached,
  exchange: z.boolean().meta({ description: 'An exchange with the server began, and nobody knows yet how it ended' }),
})

type Context = SharedJobContext<unknown, unknown>

/**
 * A server that has taken a mail over can't be asked about it later. So what is known of an exchange is saved durably
 * before and after it: a job that dies in between sends the mail again, with the same Message-ID and the same bytes.
 */
export const mailSend = defineJob({
  kind: 'mail.send',
  summary: 'Sends a mail',
  input: message,
  output: z.object({ messageId: z.string(), ...reached }),
  checkpoint,
  // Servers may defer mails on purpose (greylisting), or be down for an hour.
  maxAttempts: 12,
  backoff: { baseSeconds: 15, capSeconds: 1_800 },
  concurrency: 20,
  async *run({ job, input, checkpoint, files, fenced, mail, log }) {
    let state = checkpoint ?? { accepted: [], rejected: [], exchange: false }
    const all = recipientsOf(input)
    const pending = all.filter((it) => !state.accepted.includes(it) && !state.rejected.some((no) => no.address === it))

    if (pending.length > 0) {
      const composed = { ...filled(input), attachments: await readAll(files, input.attachments) }
      if (state.exchange) {
        log.warn('an exchange ended without an answer: the mail is handed over again, with the same Message-ID', {
          to: pending,
        })
      } else {
        await requireConfirmed(mail, fenced, job.id)
        await mail.allow()
        state = { ...state, exchange: true }
        yield { checkpoint: state, progress: (all.length - pending.length) / all.length, durable: true }
      }
      const { accepted, rejected, deferred } = await mail.send(composed, pending)
      state = {
        accepted: [...state.accepted, ...accepted],
        rejected: [...state.rejected, ...rejected],
        exchange: false,
      }
      const partial = { accepted: state.accepted, rejected: state.rejected }
      yield { checkpoint: state, progress: 1 - deferred.length / all.length, partial, durable: true }
      throwIfDeferred(deferred)
    }
    const { accepted, rejected } = state
    if (accepted.length === 0)
      throw new PermanentError('MAIL_REJECTED', `The server refused every recipient: ${rejected[0]?.reply}`)
    return { messageId: mail.messageId, accepted, rejected }
  },
})

/**
 * Mails that leave the machine come from somebody who can be reached. That is who submitted them: an owner of the project
 * may be anybody whom a stranger made one.
 */
const requireConfirmed = async (mail: Context['mail'], fenced: Context['fenced'], jobId: string): Promise<void> => {
  if (!mail.leavesThisMachine || (await fenced((tx) => users.hasConfirmedSubmitter(tx, jobId)))) return
  throw new PermanentError('EMAIL_UNCONFIRMED', 'To send mails, first confirm your own email.')
}

const filled = ({ to, cc, replyTo, subject, text, html, values }: Message) => ({
  to,
  cc,
  replyTo,
  subject: fill(subject, values),
  text: text && fill(text, values),
  html: html && fillHtml(html, values),
})

const readAll = async (files: Context['files'], ids: string[]) => {
  const read: Awaited<ReturnType<Context['files']['read']>>[] = []
  let left = MAX_ATTACHED_BYTES
  for (const id of ids) {
    const file = await files.read(id, { maxBytes: left })
    left -= file.bytes.length
    read.push(file)
  }
  return read
}
