import { type Sql, transaction } from '../../db/client.ts'
import * as apiKeys from '../../db/queries/api-keys.ts'
import * as memberships from '../../db/queries/memberships.ts'
import * as users from '../../db/queries/users.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { forgetKeys } from '../../lib/auth/api-keys.ts'
import { limitLookups } from '../../lib/auth/rate-limit.ts'
import { StintError } from '../../lib/core/errors.ts'
import { lockProject } from './access.ts'
import { audit, auditAll, revoked } from './audit.ts'
import { canConfirm } from './email.ts'
import { forgetRoles } from './role-cache.ts'

/** Adds a person to a project, or changes their role. */
export const putMember = async (
  app: App,
  actor: Actor,
  membership: memberships.Membership,
): Promise<memberships.MemberRow> => {
  const member = await transaction(app.sql, async (tx) => {
    await lockProject(tx, actor, membership.projectId, 'owner')
    return put(tx, actor, membership)
  })
  forgetRoles(app)
  return member
}

/**
 * The same by email. Only owners learn whether there is such an account, and since anybody may own a project, only a few times
 * a minute. An account whose email could be confirmed but isn't is not found: a stranger may have registered with it, to be
 * invited in that person's place.
 */
export const putMemberByEmail = async (
  app: App,
  ip: string,
  actor: Actor,
  { projectId, email, role }: { projectId: string; email: string; role: memberships.Role },
): Promise<memberships.MemberRow> => {
  await limitLookups(app, ip, actor.userId)
  const member = await transaction(app.sql, async (tx) => {
    await lockProject(tx, actor, projectId, 'owner')
    const user = await users.findByEmail(tx, email)
    const demandsConfirmed = canConfirm(app.config.mail)
    if (!user || (demandsConfirmed && !user.emailConfirmedAt))
      throw new StintError(
        'USER_NOT_FOUND',
        demandsConfirmed ? `No account with a confirmed email ${email}.` : undefined,
      )
    return put(tx, actor, { projectId, userId: user.id, role })
  })
  forgetRoles(app)
  return member
}

/**
 * Removes a person from a project. Owners may remove anyone, everybody may remove themselves. The keys that the person made
 * there are revoked: otherwise their holders would have access again if the person was invited again.
 */
export const removeMember = async (
  app: App,
  actor: Actor,
  { projectId, userId }: { projectId: string; userId: string },
): Promise<void> => {
  await transaction(app.sql, async (tx) => {
    await lockProject(tx, actor, projectId, userId === actor.userId ? 'viewer' : 'owner')
    await leaveAnOwner(tx, projectId, userId)
    if (!(await memberships.remove(tx, projectId, userId))) throw new StintError('MEMBER_NOT_FOUND')
    const keys = await apiKeys.removeOf(tx, { projectId, userId })
    await auditAll(actor, [{ action: 'member.remove', projectId, target: userId }, ...keys.map(revoked)])(tx)
  })
  forgetRoles(app)
  forgetKeys(app)
}

const put = async (tx: Sql, actor: Actor, membership: memberships.Membership): Promise<memberships.MemberRow> => {
  if (membership.role !== 'owner') await leaveAnOwner(tx, membership.projectId, membership.userId)
  const member = await memberships.put(tx, membership)
  if (!member) throw new StintError('USER_NOT_FOUND')
  const { projectId, userId: target, role } = membership
  await audit(actor, { action: 'member.put', projectId, target, data: { role } })(tx)
  return member
}

/** Reliable because the project is locked: of two owners who leave at the same moment, one comes here after the other. */
const leaveAnOwner = async (tx: Sql, projectId: string, userId: string): Promise<void> => {
  if (await memberships.isLastOwner(tx, projectId, userId)) throw new StintError('LAST_OWNER')
}
