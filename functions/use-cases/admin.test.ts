import { expect } from 'vitest'
import { SCOPES } from '../../lib/auth/scopes.ts'
import { newId } from '../../lib/core/ids.ts'
import { test } from '../../tests/support/world.ts'
import { requireAdmin, requireAdminOrRole } from './admin.ts'

test('an admin may everywhere what a member may in their own project; an admin’s API key is no admin', async ({
  world: { app, sql, register },
}) => {
  const [{ userId, projectId }, other] = [await register('Ada'), await register('Bob')]
  await sql`UPDATE users SET is_admin = true WHERE id = ${userId}`
  const ada = { userId }
  const key = { userId, apiKey: { id: newId(), projectId, scopes: SCOPES } }

  await requireAdmin(app, ada)
  await requireAdminOrRole(app, ada, other.projectId, 'maintainer')
  await requireAdminOrRole(app, key, projectId, 'maintainer')

  await expect(requireAdmin(app, key)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await expect(requireAdminOrRole(app, key, undefined, 'maintainer')).rejects.toMatchObject({ code: 'FORBIDDEN' })
  const hidden = requireAdminOrRole(app, key, other.projectId, 'maintainer')
  await expect(hidden).rejects.toMatchObject({ code: 'PROJECT_NOT_FOUND' })
})
