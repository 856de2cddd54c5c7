import { transaction } from '../../db/client.ts'
import type { Role } from '../../db/queries/memberships.ts'
import * as schedules from '../../db/queries/schedules.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { invalidField, StintError } from '../../lib/core/errors.ts'
import { newId } from '../../lib/core/ids.ts'
import { prepare } from '../../lib/jobs/prepare.ts'
import { readCron } from '../../lib/schedule/cron.ts'
import { kinds } from '../jobs/index.ts'
import { lockSession, requireFound } from './access.ts'
import { audit } from './audit.ts'

/** A schedule that the actor may see, or change. @throws {StintError} SCHEDULE_NOT_FOUND also for strangers, FORBIDDEN */
export const requireSchedule = async (
  app: App,
  actor: Actor,
  scheduleId: string,
  needed: Role,
): Promise<schedules.ScheduleRow> =>
  requireFound(app, actor, await schedules.find(app.sql, scheduleId), { needed, notFound: 'SCHEDULE_NOT_FOUND' })

/** Each may submit a job a second, for ever. */
const MAX_OF_PROJECT = 1_000

/** @throws {StintError} UNKNOWN_KIND, VALIDATION_FAILED, LIMIT_REACHED */
export const addSchedule = async (
  app: App,
  actor: Actor,
  projectId: string,
  { paused, ...settings }: schedules.ScheduleSettings & { paused: boolean },
): Promise<schedules.ScheduleRow> => {
  const owner = { projectId, createdBy: actor.userId }
  prepare(kinds, toSubmission(settings), owner)
  return transaction(app.sql, async (tx) => {
    await lockSession(tx, actor)
    if ((await schedules.count(tx, projectId)) >= MAX_OF_PROJECT)
      throw new StintError('LIMIT_REACHED', `A project may have ${MAX_OF_PROJECT} schedules.`)
    const nextAt = firstTick(settings, await schedules.now(tx))
    const row = await schedules.insert(tx, { ...settings, ...owner, id: newId(), nextAt: paused ? null : nextAt })
    const data = { name: row.name, cron: row.cron, kind: row.kind }
    await audit(actor, { action: 'schedule.create', projectId, target: row.id, data })(tx)
    return row
  })
}

export type ScheduleChange = {
  [Field in keyof schedules.ScheduleSettings]?: schedules.ScheduleSettings[Field] | undefined
} & {
  paused?: boolean | undefined
}

/**
 * Changes what is given. A schedule that gets other times, or goes on after a pause, goes on with the next tick from
 * now: what it missed meanwhile is not made up for.
 * @throws {StintError} SCHEDULE_NOT_FOUND, UNKNOWN_KIND, VALIDATION_FAILED
 */
export const changeSchedule = (
  app: App,
  actor: Actor,
  scheduleId: string,
  change: ScheduleChange,
): Promise<schedules.ScheduleRow> =>
  transaction(app.sql, async (tx) => {
    await lockSession(tx, actor)
    const current = await schedules.lock(tx, scheduleId)
    if (!current) throw new StintError('SCHEDULE_NOT_FOUND')
    const given = Object.entries(change).filter(([, value]) => value !== undefined)
    const wanted = { ...current, paused: current.pausedAt !== null, ...Object.fromEntries(given) }
    // A schedule can be paused and renamed even when its kind is gone.
    if (change.kind !== undefined || change.input !== undefined) prepare(kinds, toSubmission(wanted), wanted)
    const retimed = change.cron !== undefined || change.timeZone !== undefined
    const now = await schedules.now(tx)
    const nextAt = retimed
      ? firstTick(wanted, now)
      : (current.nextAt ?? readCron(wanted.cron, wanted.timeZone).after(now))
    const { projectId } = current
    const data = { name: current.name, changed: given.map(([name]) => name) }
    await audit(actor, { action: 'schedule.change', projectId, target: scheduleId, data })(tx)
    const missedAt = retimed || wanted.paused ? null : current.missedAt
    return schedules.update(tx, scheduleId, { ...wanted, nextAt: wanted.paused ? null : nextAt, missedAt })
  })

/** Deletes a schedule; the jobs that it made stay. @throws {StintError} SCHEDULE_NOT_FOUND when somebody else just did */
export const removeSchedule = (app: App, actor: Actor, { id, projectId, name }: schedules.ScheduleRow): Promise<void> =>
  transaction(app.sql, async (tx) => {
    if (!(await schedules.remove(tx, id))) throw new StintError('SCHEDULE_NOT_FOUND')
    await audit(actor, { action: 'schedule.delete', projectId, target: id, data: { name } })(tx)
  })

const firstTick = ({ cron, timeZone }: { cron: string; timeZone: string }, now: Date): Date => {
  const first = readCron(cron, timeZone).after(now)
  if (first) return first
  throw invalidField('cron', 'no such time will ever come')
}

/** Without its expiry: that counts from a tick. */
const toSubmission = ({
  maxAttempts,
  timeoutSeconds,
  expiresInSeconds: _,
  ...settings
}: schedules.ScheduleSettings) => ({
  ...settings,
  maxAttempts: maxAttempts ?? undefined,
  timeoutSeconds: timeoutSeconds ?? undefined,
})
