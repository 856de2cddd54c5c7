import { expect } from 'vitest'
import { test } from '../../tests/support/world.ts'
import { deleteOrphans } from './orphans.ts'

test('an object that the store keeps holds up no other, and is tried again in an hour', async ({
  world: { app, sql, logged },
}) => {
  const held = 'under-a-legal-hold'
  const files = {
    ...app.files,
    deleteAll: async (keys: string[]) => {
      await app.files.deleteAll(keys.filter((key) => key !== held))
      return keys.filter((key) => key === held).map((key) => ({ key, message: 'Access Denied' }))
    },
  }
  const keys = Array.from({ length: 1_200 }, (_, nth) => `${nth}`)
  await sql`INSERT INTO orphaned_objects (object_key, orphaned_at) VALUES (${held}, now() - interval '1 day')`
  await sql`INSERT INTO orphaned_objects (object_key) SELECT unnest(${keys}::text[])`
  expect(await deleteOrphans({ ...app, files }, () => true)).toBe(1_200)
  expect(logged.join()).toContain('Access Denied')
  expect(
    await sql`SELECT object_key, orphaned_at > now() + interval '50 minutes' AS later FROM orphaned_objects`,
  ).toEqual([{ objectKey: held, later: true }])
  expect(await deleteOrphans({ ...app, files }, () => true)).toBe(0)
})
