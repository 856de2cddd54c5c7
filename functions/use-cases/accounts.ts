import { transaction } from '../../db/client.ts'
import * as accountTokens from '../../db/queries/account-tokens.ts'
import * as sessions from '../../db/queries/sessions.ts'
import * as users from '../../db/queries/users.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { checkPassword, hashPassword } from '../../lib/auth/passwords.ts'
import { limitPasswordTries } from '../../lib/auth/rate-limit.ts'
import { type Session, startSession } from '../../lib/auth/sessions.ts'
import { StintError } from '../../lib/core/errors.ts'
import { newId } from '../../lib/core/ids.ts'
import { addProject } from './new-project.ts'
import { getPerson, gone } from './person.ts'
import { plannedMail } from './planned-mail.ts'

/** A person who has just proved who they are, and the session in which they did. */
export interface SignedIn extends Session {
  user: users.UserRow
}

/** Makes an account with its project `Personal`, and signs it in. All of it or nothing. */
export const register = async (
  app: App,
  ip: string,
  person: { email: string; password: string; name: string },
): Promise<SignedIn> => {
  await limitPasswordTries(app, ip, person.email)
  const passwordHash = await hashPassword(person.password)
  const mail = plannedMail(app, 'confirm-email', person.email)
  const signedIn = await transaction(app.sql, async (tx) => {
    const user = await users.insert(tx, { id: newId(), email: person.email, name: person.name, passwordHash })
    await addProject(tx, { name: 'Personal', ownerId: user.id, personal: true })
    await mail.insert(tx)
    return { user, ...(await startSession(tx, user)) }
  })
  await mail.announce()
  return signedIn
}

export const signIn = async (
  app: App,
  ip: string,
  credentials: { email: string; password: string },
): Promise<SignedIn> => {
  await limitPasswordTries(app, ip, credentials.email)
  const user = await users.findByEmail(app.sql, credentials.email)
  if (!(await checkPassword(user?.passwordHash, credentials.password)) || !user)
    throw new StintError('INVALID_CREDENTIALS')
  return { user, ...(await startSession(app.sql, user)) }
}

/** Changes the password, ends every session that the person has anywhere, and starts a new one. */
export const changePassword = async (
  app: App,
  ip: string,
  actor: Actor,
  password: { current: string; next: string },
): Promise<SignedIn> => {
  const user = await getPerson(app, actor)
  await confirmPassword(app, ip, user, password.current)
  const passwordHash = await hashPassword(password.next)
  const mail = plannedMail(app, 'password-changed', user.email)
  const signedIn = await transaction(app.sql, async (tx) => {
    const hash = { checked: user.passwordHash, next: passwordHash }
    if (!(await users.updatePassword(tx, user.id, hash))) throw new StintError('INVALID_CREDENTIALS')
    await sessions.revokeAllOfUser(tx, user.id)
    await accountTokens.removeResets(tx, user.id)
    await mail.insert(tx)
    return { user, ...(await startSession(tx, { id: user.id, passwordHash })) }
  })
  await mail.announce()
  return signedIn
}

/** Changes name and email. Changing the email needs the password, since it could be used to take the account over. */
export const changeProfile = async (
  app: App,
  ip: string,
  actor: Actor,
  change: { name?: string | undefined; email?: string | undefined; currentPassword?: string | undefined },
): Promise<users.UserRow> => {
  const user = await getPerson(app, actor)
  const { name = null, email = null } = change
  if (email !== null) await confirmPassword(app, ip, user, change.currentPassword ?? '')
  // If the password was replaced meanwhile, that was to keep somebody out.
  const checkedHash = email === null ? null : user.passwordHash
  const { changed, mails } = await transaction(app.sql, async (tx) => {
    const changed = await users.update(tx, user.id, { name, email, checkedHash })
    const mails = changed && email !== null && !changed.emailConfirmedAt ? mailsOfNewEmail(app, user, changed) : []
    for (const mail of mails) await mail.insert(tx)
    return { changed, mails }
  })
  if (!changed && email !== null) throw new StintError('INVALID_CREDENTIALS')
  if (!changed) return gone()
  for (const mail of mails) await mail.announce()
  return changed
}

/** The old address hears of it too, if it was known to be the person's: somebody else may have changed it. */
const mailsOfNewEmail = (app: App, before: users.UserRow, now: users.UserRow) => [
  ...(before.emailConfirmedAt ? [plannedMail(app, 'email-changed', before.email)] : []),
  plannedMail(app, 'confirm-email', now.email),
]

const confirmPassword = async (app: App, ip: string, user: users.UserRow, password: string): Promise<void> => {
  await limitPasswordTries(app, ip, user.email)
  if (!(await checkPassword(user.passwordHash, password))) throw new StintError('INVALID_CREDENTIALS')
}
