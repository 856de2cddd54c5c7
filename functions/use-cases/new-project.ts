import type { Sql } from '../../db/client.ts'
import * as memberships from '../../db/queries/memberships.ts'
import * as projects from '../../db/queries/projects.ts'
import { newId } from '../../lib/core/ids.ts'
import { gone } from './person.ts'

/** A new project and its first owner; inside the caller's transaction. */
export const addProject = async (
  tx: Sql,
  { name, ownerId, personal }: { name: string; ownerId: string; personal: boolean },
): Promise<projects.ProjectRow> => {
  const project = await projects.insert(tx, { id: newId(), name, personalOf: personal ? ownerId : null })
  const owner = await memberships.put(tx, { projectId: project.id, userId: ownerId, role: 'owner' })
  return owner ? project : gone()
}
