import type { Sql } from '../db/client.ts'
import * as apiKeys from '../db/queries/api-keys.ts'
import * as jobs from '../db/queries/jobs.ts'
import * as memberships from '../db/queries/memberships.ts'
import * as projects from '../db/queries/projects.ts'
import * as schedules from '../db/queries/schedules.ts'
import { told } from './audit.ts'
import { addProject } from './new-project.ts'

/**
 * Hands an account over to the person whose email it has, who has just proven that it is theirs and replaced the password.
 * Until then anybody might have made the account, and prepared a way back in. So nothing that opens anything stays: not the
 * company of others, nor keys, nor what was set up to be done later. What is in projects of the account alone stays.
 * The sessions must have been ended before: who is still in one waits for that, and is refused then.
 */
export const takeOver = async (tx: Sql, { userId, ip }: { userId: string; ip: string }): Promise<void> => {
  // Projects that it leaves may be a stranger's, who reads their audit log and isn't to learn where this person is.
  const actor = { userId }
  await projects.lockAllOfUser(tx, userId)
  for (const projectId of await memberships.leaveOwnedByOthers(tx, userId))
    await told(actor, { action: 'member.remove', projectId, target: userId })(tx)
  for (const other of await memberships.removeOthers(tx, userId))
    await told(actor, { action: 'member.remove', projectId: other.projectId, target: other.userId })(tx)
  for (const { id: target, projectId, name } of await apiKeys.removeAround(tx, userId))
    await told(actor, { action: 'api-key.revoke', projectId, target, data: { name } })(tx)
  for (const { id: target, projectId, name } of await schedules.pauseAround(tx, userId))
    await told(actor, { action: 'schedule.change', projectId, target, data: { name, changed: ['paused'] } })(tx)
  await jobs.disown(tx, userId)
  await ensurePersonal(tx, userId)
  await told({ userId, ip }, { action: 'account.take-over', projectId: null, target: userId })(tx)
}

const ensurePersonal = async (tx: Sql, userId: string): Promise<void> => {
  await projects.releasePersonal(tx, userId)
  if ((await projects.findPersonal(tx, userId)) === null)
    await addProject(tx, { name: 'Personal', ownerId: userId, personal: true })
}
