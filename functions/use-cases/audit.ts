import type { Sql } from '../../db/client.ts'
import * as auditLog from '../../db/queries/audit-log.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { newId } from '../../lib/core/ids.ts'

/** What is recorded in the audit log. */
export const ACTIONS = [
  'project.create',
  'project.rename',
  'project.delete',
  'member.put',
  'member.remove',
  'api-key.create',
  'api-key.revoke',
  'schedule.create',
  'schedule.change',
  'schedule.delete',
  'file.delete',
  'device-model.create',
  'device-model.change',
  'device-model.delete',
  'job.change',
  'job.cancel',
  'job.retry',
  'job.delete',
  'queue.pause',
  'queue.resume',
  'queue.redrive',
  'process.start',
  'process.stop',
  'process.restart',
  'admin.add',
  'admin.remove',
  'account.take-over',
] as const

export interface Act {
  action: (typeof ACTIONS)[number]
  /** Null: it concerns every project. */
  projectId: string | null
  /** The id or name of what it was done to. */
  target: string
  data?: Record<string, unknown>
}

/**
 * Records in the audit log what somebody does, in the transaction that does it, so that there is never one without the
 * other. Without an actor it is done from the command line.
 * @example await transaction(app.sql, async (tx) => { await schedules.remove(tx, id); await audit(actor, act)(tx) })
 */
export const audit = (actor: Actor | undefined, act: Act) => auditAll(actor, [act])

/** Records many things that somebody does at once, in their order. */
export const auditAll =
  (actor: Actor | undefined, acts: Act[]) =>
  (tx: Sql): Promise<void> =>
    auditLog.insert(
      tx,
      acts.map((act) => entryOf(actor, act)),
    )

const entryOf = (actor: Actor | undefined, { action, projectId, target, data = {} }: Act): auditLog.NewEntry => ({
  id: newId(),
  projectId,
  userId: actor?.userId ?? null,
  apiKeyId: actor?.apiKey?.id ?? null,
  action,
  target,
  data,
  ip: actor?.ip ?? null,
})

/** The record of a key that was revoked. */
export const revoked = ({ id: target, projectId, name }: { id: string; projectId: string; name: string }): Act => ({
  action: 'api-key.revoke',
  projectId,
  target,
  data: { name },
})

/** Records an action on many jobs: one entry for each project that has some of them. */
export const auditJobs =
  (actor: Actor, action: Act['action'], projectOf: ReadonlyMap<string, string>) =>
  async (tx: Sql, ids: string[]): Promise<void> => {
    const acts = [...Map.groupBy(ids, (id) => projectOf.get(id) ?? null)].map(([projectId, own]) => ({
      action,
      projectId,
      target: own.length === 1 ? `${own[0]}` : `${own.length} jobs`,
      data: { ids: own },
    }))
    await auditAll(actor, acts)(tx)
  }
