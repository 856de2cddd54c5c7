import { expect } from 'vitest'
import * as memberships from '../../db/queries/memberships.ts'
import * as projects from '../../db/queries/projects.ts'
import { SCOPES } from '../../lib/auth/scopes.ts'
import { newId } from '../../lib/core/ids.ts'
import { test } from '../../tests/support/world.ts'
import { defaultProject, requireRole } from './access.ts'

test('a role reaches what it and the lesser ones reach', async ({ world }) => {
  const [owner, other] = [await world.register('Ann'), await world.register('Ben')]
  for (const [index, role] of memberships.ROLES.entries()) {
    await memberships.put(world.sql, { projectId: owner.projectId, userId: other.userId, role })
    const app = await world.anotherApp()
    for (const [needed, name] of memberships.ROLES.entries()) {
      const asked = requireRole(app, other, owner.projectId, name)
      if (needed <= index) await expect(asked).resolves.toMatchObject({ projectId: owner.projectId, role })
      else await expect(asked).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining(name) })
    }
  }
})

test('an owner’s API key decides nothing about the project and its people', async ({ world }) => {
  const { userId, projectId } = await world.register('Ann')
  const key = { userId, apiKey: { id: newId(), projectId, scopes: SCOPES } }
  await expect(requireRole(world.app, key, projectId, 'maintainer')).resolves.toMatchObject({ role: 'maintainer' })
  await expect(requireRole(world.app, key, projectId, 'owner')).rejects.toMatchObject({ code: 'FORBIDDEN' })
})

test('a project is not there for strangers, nor for anyone once it is deleted', async ({ world }) => {
  const [owner, stranger] = [await world.register('Ann'), await world.register('Ben')]
  const missing = { code: 'PROJECT_NOT_FOUND', status: 404 }
  await expect(requireRole(world.app, stranger, owner.projectId, 'viewer')).rejects.toMatchObject(missing)
  await projects.markDeleted(world.sql, owner.projectId)
  const app = await world.anotherApp()
  await expect(requireRole(app, owner, owner.projectId, 'viewer')).rejects.toMatchObject(missing)
})

test('a removal takes effect at once where it is made, and within five seconds everywhere else', async ({ world }) => {
  const [owner, member] = [await world.register('Ann'), await world.register('Ben')]
  await memberships.put(world.sql, { projectId: owner.projectId, userId: member.userId, role: 'viewer' })
  const elsewhere = await world.anotherApp()
  const ask = (app: typeof elsewhere) => requireRole(app, member, owner.projectId, 'viewer')
  await Promise.all([ask(world.app), ask(elsewhere)])

  const url = `/projects/${owner.projectId}/members/${member.userId}`
  expect((await world.http('DELETE', url, { token: owner.accessToken })).status).toBe(204)
  await expect(ask(world.app)).rejects.toMatchObject({ code: 'PROJECT_NOT_FOUND' })
  world.advance(5)
  await expect(ask(elsewhere)).rejects.toMatchObject({ code: 'PROJECT_NOT_FOUND' })
})

test('who is let in gets in at once, also where they were refused a moment ago', async ({ world }) => {
  const [owner, other] = [await world.register('Ann'), await world.register('Ben')]
  const ask = () => requireRole(world.app, other, owner.projectId, 'viewer')
  await expect(ask()).rejects.toMatchObject({ code: 'PROJECT_NOT_FOUND' })
  await memberships.put(world.sql, { projectId: owner.projectId, userId: other.userId, role: 'viewer' })
  await expect(ask()).resolves.toMatchObject({ role: 'viewer' })
})

test('a role that was read is believed for five seconds without asking again', async ({ world }) => {
  const owner = await world.register('Ann')
  const ask = () => requireRole(world.app, owner, owner.projectId, 'owner')
  await ask()
  await world.sql`UPDATE memberships SET role = 'viewer'`
  world.advance(4)
  await expect(ask()).resolves.toMatchObject({ role: 'owner' })
  world.advance(1.1)
  await expect(ask()).rejects.toMatchObject({ code: 'FORBIDDEN' })
})

test('a clock that is put back makes nothing be believed for longer', async ({ world }) => {
  const owner = await world.register('Ann')
  const ask = () => requireRole(world.app, owner, owner.projectId, 'owner')
  await ask()
  await world.sql`UPDATE memberships SET role = 'viewer'`
  world.advance(-1)
  await expect(ask()).rejects.toMatchObject({ code: 'FORBIDDEN' })
})

test('the default project is one’s own Personal, not one that somebody shared', async ({ world }) => {
  const [ann, ben] = [await world.register('Ann'), await world.register('Ben')]
  await memberships.put(world.sql, { projectId: ann.projectId, userId: ben.userId, role: 'owner' })
  expect(await defaultProject(world.app, ben)).toBe(ben.projectId)
})

test('without a Personal there is no default project, and the field is named', async ({ world }) => {
  const [ann, ben] = [await world.register('Ann'), await world.register('Ben')]
  const missing = { code: 'VALIDATION_FAILED', status: 422, errors: [{ path: 'projectId' }] }

  const deleted = await world.http('DELETE', `/projects/${ann.projectId}`, { token: ann.accessToken })
  expect(deleted.status).toBe(204)
  await expect(defaultProject(world.app, ann)).rejects.toMatchObject(missing)

  await memberships.put(world.sql, { projectId: ben.projectId, userId: ann.userId, role: 'owner' })
  await memberships.remove(world.sql, ben.projectId, ben.userId)
  await expect(defaultProject(world.app, ben)).rejects.toMatchObject(missing)
})
