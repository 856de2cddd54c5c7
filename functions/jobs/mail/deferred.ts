import type { Refusal } from '../../../lib/mail/mailer.ts'

/** @throws MAIL_DEFERRED when the server has put recipients off: another try of the job may reach them */
export const throwIfDeferred = (deferred: readonly Refusal[]): void => {
  const [first] = deferred
  if (!first) return
  const who = deferred.length === 1 ? 'one recipient was' : `${deferred.length} recipients were`
  throw Object.assign(new Error(`${who} deferred: ${first.reply}`), { code: 'MAIL_DEFERRED' })
}
