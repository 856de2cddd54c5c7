import { transaction } from '../../db/client.ts'
import * as accountTokens from '../../db/queries/account-tokens.ts'
import * as sessions from '../../db/queries/sessions.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { forgetKeys } from '../../lib/auth/api-keys.ts'
import { hashPassword } from '../../lib/auth/passwords.ts'
import { limitAccountMails, limitAccountTokens } from '../../lib/auth/rate-limit.ts'
import { hashSecret } from '../../lib/auth/secret-hash.ts'
import { StintError } from '../../lib/core/errors.ts'
import type { Purpose } from '../jobs/mail/account-mails.ts'
import { getPerson } from './person.ts'
import { plannedMail } from './planned-mail.ts'
import { forgetRoles } from './role-cache.ts'
import { takeOver } from './take-over.ts'

/**
 * Notes that an email belongs to its person. It takes the token from the mail and the person's session: if a stranger
 * registered with somebody's email, that somebody reads the mail but must not confirm the stranger's account by it.
 * @throws {StintError} ACCOUNT_TOKEN_INVALID, also when the token is of another account
 */
export const confirmEmail = async (app: App, ip: string, actor: Actor, token: string): Promise<void> => {
  await limitAccountTokens(app, ip)
  if (!(await accountTokens.confirmEmail(app.sql, actor.userId, hashSecret(token))))
    throw new StintError('ACCOUNT_TOKEN_INVALID')
}

/** Sends the person another mail with which to confirm their email, unless it is confirmed. */
export const sendConfirmation = async (app: App, ip: string, actor: Actor): Promise<void> => {
  const { email } = await getPerson(app, actor)
  await sendMail(app, ip, 'confirm-email', email)
}

/** Sends a mail to choose a new password, if there is such an account. The caller isn't told whether there is. */
export const sendReset = (app: App, ip: string, email: string): Promise<void> =>
  sendMail(app, ip, 'reset-password', email)

const sendMail = async (app: App, ip: string, purpose: Purpose, email: string): Promise<void> => {
  if (app.config.mail.publicUrl === undefined) throw new StintError('MAIL_NOT_CONFIGURED')
  await limitAccountMails(app, ip, email)
  const mail = plannedMail(app, purpose, email)
  await mail.insert(app.sql)
  await mail.announce()
}

/**
 * Replaces a password by the token from a mail, and ends every session of the person. If the email was not confirmed before,
 * this proves who reads its mails, which need not be whoever made the account: see {@link takeOver}.
 * @throws {StintError} ACCOUNT_TOKEN_INVALID
 */
export const resetPassword = async (
  app: App,
  ip: string,
  given: { token: string; password: string },
): Promise<void> => {
  await limitAccountTokens(app, ip)
  const passwordHash = await hashPassword(given.password)
  const mail = await transaction(app.sql, async (tx) => {
    const person = await accountTokens.resetPassword(tx, { tokenHash: hashSecret(given.token), passwordHash })
    if (!person) throw new StintError('ACCOUNT_TOKEN_INVALID')
    await sessions.revokeAllOfUser(tx, person.id)
    await accountTokens.removeResets(tx, person.id)
    if (!person.wasConfirmed) await takeOver(tx, { userId: person.id, ip })
    const told = plannedMail(app, 'password-changed', person.email)
    await told.insert(tx)
    return told
  })
  forgetRoles(app)
  forgetKeys(app)
  await mail.announce()
}
