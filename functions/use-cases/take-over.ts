import type { Sql } from '../../db/client.ts'
import * as apiKeys from '../../db/queries/api-keys.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as memberships from '../../db/queries/memberships.ts'
import * as projects from '../../db/queries/projects.ts'
import * as schedules from '../../db/queries/schedules.ts'
import { type Act, audit, auditAll, revoked } from './audit.ts'
import { addProject } from './new-project.ts'

/**
 * Hands an account over to the owner of its email, who has just proven to be that by a password reset. Anybody may have made
 * the account and prepared a way back in. So whatever gives access is removed: other members, keys, and anything scheduled.
 * The contents of projects that only the account owns stay. The sessions must have been ended before: a request that is
 * still in one waits for that, and is refused then.
 */
export const takeOver = async (tx: Sql, { userId, ip }: { userId: string; ip: string }): Promise<void> => {
  await projects.lockAllOfUser(tx, userId)
  const left = await memberships.leaveOwnedByOthers(tx, userId)
  const others = await memberships.removeOthers(tx, userId)
  const keys = await apiKeys.removeAround(tx, userId)
  const paused = await schedules.pauseAround(tx, userId)
  await jobs.disown(tx, userId)
  await ensurePersonal(tx, userId)
  const acts = [
    ...left.map((projectId) => removed(projectId, userId)),
    ...others.map((it) => removed(it.projectId, it.userId)),
    ...keys.map(revoked),
    ...paused.map(stopped),
  ]
  // The projects that it leaves may be a stranger's, who reads their audit log and must not learn this person's address.
  await auditAll({ userId }, acts)(tx)
  await audit({ userId, ip }, { action: 'account.take-over', projectId: null, target: userId })(tx)
}

interface Named {
  id: string
  projectId: string
  name: string
}

const removed = (projectId: string, target: string): Act => ({ action: 'member.remove', projectId, target })

const stopped = ({ id: target, projectId, name }: Named): Act => ({
  action: 'schedule.change',
  projectId,
  target,
  data: { name, changed: ['paused'] },
})

const ensurePersonal = async (tx: Sql, userId: string): Promise<void> => {
  await projects.releasePersonal(tx, userId)
  if ((await projects.findPersonal(tx, userId)) === null)
    await addProject(tx, { name: 'Personal', ownerId: userId, personal: true })
}
