import { transaction } from '../../db/client.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { StintError } from '../../lib/core/errors.ts'
import type { HostProcess, ProcessAction } from '../../lib/system/host-control.ts'
import { audit } from './audit.ts'

/**
 * Starts, stops or restarts a process of the stage. It is recorded in the audit log first: the process may be its database.
 * @returns the process as it was
 * @throws {StintError} PROCESS_ACTION_REFUSED
 */
export const controlProcess = async (
  app: App,
  actor: Actor,
  process: HostProcess,
  action: ProcessAction,
): Promise<HostProcess> => {
  const { name, state, actions } = process
  if (!actions.includes(action)) {
    const possible = actions.length > 0 ? `; possible: ${actions.join(', ')}` : ''
    throw new StintError('PROCESS_ACTION_REFUSED', `${name} is ${state} and takes no ${action}${possible}.`)
  }
  await transaction(app.sql, audit(actor, { action: `process.${action}`, projectId: null, target: name }))
  await app.host?.act(name, action)
  return process
}
