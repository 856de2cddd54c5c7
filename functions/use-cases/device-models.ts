import { transaction } from '../../db/client.ts'
import * as deviceModels from '../../db/queries/device-models.ts'
import type { Role } from '../../db/queries/memberships.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { StintError } from '../../lib/core/errors.ts'
import { newId } from '../../lib/core/ids.ts'
import { requireFound } from './access.ts'
import { type Act, audit } from './audit.ts'

/** A model that the actor may see, or change. @throws {StintError} DEVICE_MODEL_NOT_FOUND also for strangers, FORBIDDEN */
export const requireModel = async (
  app: App,
  actor: Actor,
  modelId: string,
  needed: Role,
): Promise<deviceModels.DeviceModelRow> =>
  requireFound(app, actor, await deviceModels.findById(app.sql, modelId), {
    needed,
    notFound: 'DEVICE_MODEL_NOT_FOUND',
  })

/** @throws {StintError} DEVICE_MODEL_CODE_TAKEN */
export const addModel = (
  app: App,
  actor: Actor,
  model: { projectId: string; code: string; name: string },
): Promise<deviceModels.DeviceModelRow> =>
  transaction(app.sql, async (tx) => {
    const row = await deviceModels.insert(tx, { ...model, id: newId() })
    await audit(actor, actOn('create', row))(tx)
    return row
  })

/**
 * Changes a model's name, or its code as long as no serial begins with it.
 * @throws {StintError} DEVICE_MODEL_IN_USE, DEVICE_MODEL_NOT_FOUND
 */
export const changeModel = (
  app: App,
  actor: Actor,
  modelId: string,
  change: { code: string | null; name: string | null },
): Promise<deviceModels.DeviceModelRow> =>
  transaction(app.sql, async (tx) => {
    const current = await deviceModels.lock(tx, modelId)
    if (!current) throw new StintError('DEVICE_MODEL_NOT_FOUND')
    const recoded = change.code !== null && change.code !== current.code
    if (recoded && (await deviceModels.hasSerialNumbers(tx, modelId))) {
      throw new StintError('DEVICE_MODEL_IN_USE', `Serial numbers begin with ${current.code}: the code has to stay.`)
    }
    const row = await deviceModels.update(tx, modelId, change)
    await audit(actor, actOn('change', row))(tx)
    return row
  })

/** @throws {StintError} DEVICE_MODEL_NOT_FOUND, DEVICE_MODEL_IN_USE */
export const removeModel = (app: App, actor: Actor, model: deviceModels.DeviceModelRow): Promise<void> =>
  transaction(app.sql, async (tx) => {
    if (!(await deviceModels.remove(tx, model.id))) throw new StintError('DEVICE_MODEL_NOT_FOUND')
    await audit(actor, actOn('delete', model))(tx)
  })

const actOn = (
  what: 'create' | 'change' | 'delete',
  { id, projectId, code, name }: deviceModels.DeviceModelRow,
): Act => ({ action: `device-model.${what}`, projectId, target: id, data: { code, name } })
