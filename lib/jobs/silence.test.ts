import { afterEach, expect } from 'vitest'
import { createPool } from '../../db/client.ts'
import * as jobs from '../../db/queries/jobs.ts'
import { createEngine, insertJobs, invoke, script } from '../../tests/support/engine.ts'
import { watchServer } from '../../tests/support/watched-server.ts'
import { test } from '../../tests/support/world.ts'

test.override({ environment: { LEASE_SECONDS: '20', HEARTBEAT_SECONDS: '1' } })

afterEach(() => {
  script.onCount = () => {}
})

test('a job goes on, and its outcome is written, although all connections have fallen silent meanwhile', async ({
  world,
}) => {
  const { url, prepare } = world.app.config.database
  const server = await watchServer(url)
  const pool = { url: server.url, maxConnections: 4, prepare, applicationName: 'worker', silenceSeconds: 2 }
  const app = await world.anotherApp({ sql: createPool(pool) })
  const [id = ''] = await insertJobs(world.app, [{ kind: 'test.count', input: '{"to":5}' }])
  script.onCount = (at) => {
    if (at === 3) server.fallSilent()
  }
  await invoke(createEngine(app))
  expect(await jobs.find(world.sql, id)).toMatchObject({ state: 'succeeded', stint: 1, result: { counted: 5 } })
  await app.close()
  server.close()
})
