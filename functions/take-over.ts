import type { Sql } from '../db/client.ts'
import * as apiKeys from '../db/queries/api-keys.ts'
import * as jobs from '../db/queries/jobs.ts'
import * as memberships from '../db/queries/memberships.ts'
import * as projects from '../db/queries/projects.ts'
import * as schedules from '../db/queries/schedules.ts'
import { type Act, revoked, told, toldAll } from './audit.ts'
import { addProject } from './new-project.ts'

/**
 * Hands an account over to the person whose email it has, who has just proven that it is theirs and replaced the password.
 * Until then anybody might have made the account, and prepared a way back in. So nothing that opens anything stays: not the
 * company of others, nor keys, nor what was set up to be done later. What is in projects of the account alone stays.
 * The sessions must have been ended before: who is still in one waits for that, and is refused then.
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
  // Projects that it leaves may be a stranger's, who reads their audit log and isn't to learn where this person is.
  await toldAll({ userId }, acts)(tx)
  await told({ userId, ip }, { action: 'account.take-over', projectId: null, target: userId })(tx)
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
