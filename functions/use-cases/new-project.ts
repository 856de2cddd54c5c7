import type { Sql } from '../../db/client.ts'
import * as memberships from '../../db/queries/memberships.ts'
import * as projects from '../../db/queries/projects.ts'
import { StintError } from '../../lib/core/errors.ts'
import { newId } from '../../lib/core/ids.ts'
import { gone } from './person.ts'

/** Otherwise the limits of a project would limit nobody. */
const MAX_OWNED = 100

/** @throws {StintError} LIMIT_REACHED when the person owns as many projects as one may */
export const refuseTooMany = async (tx: Sql, userId: string): Promise<void> => {
  if ((await memberships.countOwned(tx, userId)) >= MAX_OWNED)
    throw new StintError('LIMIT_REACHED', `A person may own ${MAX_OWNED} projects.`)
}

/** A new project and its first owner; inside the caller's transaction. */
export const addProject = async (
  tx: Sql,
  { name, ownerId, personal }: { name: string; ownerId: string; personal: boolean },
): Promise<projects.ProjectRow> => {
  const project = await projects.insert(tx, { id: newId(), name, personalOf: personal ? ownerId : null })
  const owner = await memberships.put(tx, { projectId: project.id, userId: ownerId, role: 'owner' })
  return owner ? project : gone()
}
