import * as users from '../../db/queries/users.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { invalidToken } from '../../lib/auth/bearer.ts'

/** The person who makes the request. @throws {StintError} UNAUTHENTICATED when the account was removed while its token lives */
export const getPerson = async (app: App, actor: Actor): Promise<users.UserRow> =>
  (await users.findById(app.sql, actor.userId)) ?? gone()

/** @throws {StintError} UNAUTHENTICATED */
export const gone = (): never => {
  throw invalidToken('The account of this access token is gone.')
}
