import type { Role } from '../../db/queries/memberships.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { StintError } from '../../lib/core/errors.ts'
import { requireRole } from './access.ts'
import { getPerson } from './person.ts'

/** For what concerns every project. Only the command line makes admins, and no API key is one. @throws {StintError} FORBIDDEN */
export const requireAdmin = async (app: App, actor: Actor): Promise<void> => {
  if (!actor.apiKey && (await getPerson(app, actor)).isAdmin) return
  throw new StintError('FORBIDDEN', 'Only an admin may do this. `stint admin add EMAIL` makes somebody an admin.')
}

/**
 * For what an admin may do everywhere, and a member in their own project.
 * @throws {StintError} FORBIDDEN, PROJECT_NOT_FOUND
 */
export const requireAdminOrRole = async (
  app: App,
  actor: Actor,
  projectId: string | undefined,
  needed: Role,
): Promise<void> => {
  if (!actor.apiKey && (await getPerson(app, actor)).isAdmin) return
  if (projectId === undefined)
    throw new StintError('FORBIDDEN', 'Only an admin may do this for all projects. Give the projectId of one of yours.')
  await requireRole(app, actor, projectId, needed)
}
