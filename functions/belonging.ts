import type { Role } from '../db/queries/memberships.ts'
import type { App } from '../lib/app.ts'
import type { Actor } from '../lib/auth/actor.ts'
import { type ErrorCode, StintError } from '../lib/core/errors.ts'
import { defaultProject, requireRole } from './access.ts'

/**
 * The project that a caller named or, if none, their own `Personal`, in which they are at least `needed`.
 * @throws {StintError} PROJECT_NOT_FOUND, FORBIDDEN
 */
export const chooseProject = async (
  app: App,
  actor: Actor,
  named: string | undefined,
  needed: Role,
): Promise<string> => {
  const projectId = named ?? (await defaultProject(app, actor))
  await requireRole(app, actor, projectId, needed)
  return projectId
}

/**
 * For things that belong to a project: strangers get the same answer as for a thing that doesn't exist.
 * @example await requireRole(app, actor, file.projectId, 'viewer').catch(hideAs('FILE_NOT_FOUND'))
 */
export const hideAs =
  (code: ErrorCode) =>
  (error: unknown): never => {
    throw error instanceof StintError && error.code === 'PROJECT_NOT_FOUND' ? new StintError(code) : error
  }
