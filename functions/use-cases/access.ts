import type { Sql } from '../../db/client.ts'
import * as memberships from '../../db/queries/memberships.ts'
import * as projects from '../../db/queries/projects.ts'
import * as sessions from '../../db/queries/sessions.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { invalidToken } from '../../lib/auth/bearer.ts'
import { type ErrorCode, invalidField, StintError } from '../../lib/core/errors.ts'
import { remember } from './role-cache.ts'

/**
 * Makes sure that the actor has at least the role `needed` in the project. One indexed query, and none for the next five
 * seconds: a removed member keeps access for that long. Where that must not be, use {@link lockProject} instead.
 * @throws {StintError} PROJECT_NOT_FOUND also for strangers: who isn't a member isn't told that the project exists
 * @throws {StintError} FORBIDDEN for a member whose role is not enough
 */
export const requireRole = async (
  app: App,
  actor: Actor,
  projectId: string,
  needed: memberships.Role,
): Promise<memberships.Membership> => {
  const role = await remember(app, `role ${projectId} ${actor.userId}`, () =>
    memberships.findRole(app.sql, projectId, actor.userId),
  )
  return { projectId, userId: actor.userId, role: sufficient(bounded(actor, projectId, role), needed) }
}

/**
 * Locks the project until the transaction ends, for a change to it or to its members.
 * @returns the actor's role, as it is at that moment
 * @throws {StintError} PROJECT_NOT_FOUND, FORBIDDEN, UNAUTHENTICATED as {@link lockSession}
 */
export const lockProject = async (
  tx: Sql,
  actor: Actor,
  projectId: string,
  needed: memberships.Role,
): Promise<memberships.Role> => {
  await lockSession(tx, actor)
  if (!(await projects.lock(tx, projectId))) throw new StintError('PROJECT_NOT_FOUND')
  return sufficient(bounded(actor, projectId, await memberships.findRole(tx, projectId, actor.userId)), needed)
}

/**
 * Locks the actor's session until the transaction ends. An access token stays valid for minutes after its session was ended;
 * with such a token, nothing may be made that outlives it.
 * @throws {StintError} UNAUTHENTICATED when the session was ended
 */
export const lockSession = async (tx: Sql, { sessionId }: Actor): Promise<void> => {
  if (sessionId !== undefined && !(await sessions.lock(tx, sessionId)))
    throw invalidToken('The session of this access token was ended.')
}

/**
 * The project of a job that names none: an API key's own, or the one that was made for the person at registration. This
 * doesn't check their role in it.
 * @throws {StintError} VALIDATION_FAILED, naming `projectId`, when it was deleted or the person has left it
 */
export const defaultProject = async (app: App, actor: Actor): Promise<string> => {
  if (actor.apiKey) return actor.apiKey.projectId
  const projectId = await remember(app, `personal ${actor.userId}`, () => projects.findPersonal(app.sql, actor.userId))
  if (projectId === null) throw invalidField('projectId', 'your project Personal is gone: name another project')
  return projectId
}

/**
 * The project that a caller named or, if none, their own `Personal`, in which they are at least `needed`.
 * @throws {StintError} PROJECT_NOT_FOUND, FORBIDDEN
 */
export const chooseProject = async (
  app: App,
  actor: Actor,
  named: string | undefined,
  needed: memberships.Role,
): Promise<string> => {
  const projectId = named ?? (await defaultProject(app, actor))
  await requireRole(app, actor, projectId, needed)
  return projectId
}

/**
 * What belongs to a project in which the actor is at least `needed`. Strangers get the same answer as when it doesn't exist.
 * @throws {StintError} `notFound`, FORBIDDEN
 */
export const requireFound = async <T extends { projectId: string }>(
  app: App,
  actor: Actor,
  found: T | null,
  { needed, notFound }: { needed: memberships.Role; notFound: ErrorCode },
): Promise<T> => {
  if (!found) throw new StintError(notFound)
  try {
    await requireRole(app, actor, found.projectId, needed)
  } catch (error) {
    throw error instanceof StintError && error.code === 'PROJECT_NOT_FOUND' ? new StintError(notFound) : error
  }
  return found
}

/** A key of another project has no access, and no key may change the project or its members. */
const bounded = ({ apiKey }: Actor, projectId: string, role: memberships.Role | null): memberships.Role | null => {
  if (!apiKey) return role
  if (apiKey.projectId !== projectId) return null
  return role === 'owner' ? 'maintainer' : role
}

const sufficient = (role: memberships.Role | null, needed: memberships.Role): memberships.Role => {
  if (role === null) throw new StintError('PROJECT_NOT_FOUND')
  if (memberships.ROLES.indexOf(role) >= memberships.ROLES.indexOf(needed)) return role
  throw new StintError('FORBIDDEN', `This needs the role ${needed} in the project; yours is ${role}.`)
}
