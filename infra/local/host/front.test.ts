import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { test } from '../../../tests/support/world.ts'
import { mountFront } from './front.ts'
import { readRoutingTable } from './routing-table.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

test('WebSockets that an earlier process held, and took with it, count for nobody any more', async ({ world }) => {
  const { userId } = await world.register()
  await world.sql`INSERT INTO live_connections (id, user_id, ends_at) VALUES ('old', ${userId}, now() + interval '1 hour')`
  const table = readRoutingTable(`${ROOT}serverless.yml`)
  const front = await mountFront(world.app, ROOT, { ...table, http: [], sockets: [] }, { trustedProxies: [] })
  onTestFinished(async () => {
    await front.stopListening()
    await front.close()
  })
  await front.listen(0, '127.0.0.1')
  expect(await world.sql`SELECT FROM live_connections`).toHaveLength(0)
})
