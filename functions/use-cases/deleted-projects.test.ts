import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { type Person, test, type World } from '../../tests/support/world.ts'
import { handler } from '../schedule/prune.ts'

const prune = ({ app }: World) => handler.periodic.run(app, () => 60_000)

/** A project with something of everything, that was deleted this many days ago. */
const makeDeleted = async (world: World, { accessToken: token, call }: Person, days: number): Promise<string> => {
  const projectId: string = (await call('POST', '/projects', { name: 'Gone' })).body.project.id
  await call('POST', '/device-models', { projectId, code: '0111', name: 'A model' })
  const input = { deviceModelCode: '0111', start: 0, count: 5 }
  await call('POST', '/jobs', { projectId, kind: 'serials.generate', input })
  await call('POST', '/jobs/batch', {
    jobs: [
      { projectId, kind: 'debug.noop', name: 'a' },
      { projectId, kind: 'debug.noop', after: ['$a'], uniqueKey: 'k' },
    ].map((it) => ({ input: {}, ...it })),
  })
  for (let nth = 0; nth < 2; nth++) {
    const headers = { 'content-type': 'text/plain' }
    const path = `/files?name=a.txt&projectId=${projectId}`
    await world.http('POST', path, { token, headers, body: Buffer.from('x') })
  }
  const cron = { cron: '0 0 1 1 *', timeZone: 'UTC', kind: 'debug.noop', input: {} }
  await call('POST', '/schedules', { projectId, name: 'yearly', ...cron })
  for (const queue of ['default', 'bulk'] as const) await world.work(queue)
  await world.relay()
  expect((await call('DELETE', `/projects/${projectId}`)).status).toBe(204)
  await world.sql`UPDATE projects SET deleted_at = now() - ${days} * interval '1 day' - interval '1 minute' WHERE id = ${projectId}`
  return projectId
}

/** What is left of a project, by table: every table that has a column for it, whoever adds one. */
const leftOf = async ({ sql }: World, projectId: string): Promise<Record<string, number>> => {
  const tables = await sql<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.columns
    WHERE column_name = 'project_id' AND table_schema = 'public' ORDER BY table_name`
  const counts = await Promise.all(
    tables.map(async ({ name }) => {
      const [row] = await sql`SELECT count(*)::integer AS count FROM ${sql(name)} WHERE project_id = ${projectId}`
      return [name, row?.['count']] as const
    }),
  )
  const [project] = await sql`SELECT count(*)::integer AS count FROM projects WHERE id = ${projectId}`
  // Keys have a time of their own, and so has the audit log: it outlives what it tells of.
  const own = counts.filter(([name]) => name !== 'unique_keys' && name !== 'audit_log')
  return Object.fromEntries([...own, ['projects', project?.['count']] as const].filter(([, count]) => count > 0))
}

describe('a deleted project', () => {
  test('goes with all that is its own when its time is over, and nothing else goes', async ({ world }) => {
    const ada = await world.register()
    const old = await makeDeleted(world, ada, 30)
    const recent = await makeDeleted(world, ada, 29)
    const before = await leftOf(world, recent)
    expect(before).toMatchObject({ jobs: 3, files: 2, device_models: 1, schedules: 1, memberships: 1, projects: 1 })
    await prune(world)
    expect(await leftOf(world, old)).toEqual({})
    expect(await leftOf(world, recent)).toEqual(before)
    const [rest] = await world.sql`
      SELECT (SELECT count(*) FROM serial_numbers) AS serials, (SELECT count(*) FROM orphaned_objects) AS orphans,
             (SELECT count(*) FROM stints) AS stints, (SELECT count(*) FROM job_dependencies) AS edges`
    expect(rest).toEqual({ serials: 5, orphans: 0, stints: 3, edges: 1 })
  })

  test('stays while events of it are not published, or one of its jobs lives', async ({ world }) => {
    const ada = await world.register()
    const projectId = await makeDeleted(world, ada, 30)
    await world.sql`
      INSERT INTO outbox (events, job_ids, seqs)
      SELECT 1, ARRAY[job_id], ARRAY[seq] FROM events WHERE project_id = ${projectId} AND type = 'job.succeeded' LIMIT 1`
    await world.sql`
      INSERT INTO jobs (id, project_id, state, kind, queue, input, timeout_seconds, max_attempts)
      VALUES (${newId()}, ${projectId}, 'queued', 'debug.noop', 'default', '{}', 60, 1)`
    await prune(world)
    expect(await leftOf(world, projectId)).toMatchObject({ jobs: 2, projects: 1, memberships: 1, device_models: 1 })
    await world.relay()
    await world.sql`UPDATE jobs SET state = 'failed' WHERE state = 'queued'`
    await prune(world)
    expect(await leftOf(world, projectId)).toEqual({})
  })

  test('goes in steps when there is much of it, and not beyond the function’s time', async ({ world }) => {
    const ada = await world.register()
    const projectId = await makeDeleted(world, ada, 30)
    await world.sql`
      INSERT INTO serial_numbers (device_model_id, number, job_id, serial)
      SELECT id, n, gen_random_uuid(), n FROM device_models, generate_series(100, 25000) AS n`
    await handler.periodic.run(world.app, () => 29_000)
    expect(await leftOf(world, projectId)).toMatchObject({ jobs: 3, projects: 1 })
    await prune(world)
    expect(await leftOf(world, projectId)).toEqual({})
  })
})
