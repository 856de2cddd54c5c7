import { describe, expect } from 'vitest'
import { transaction } from '../../db/client.ts'
import * as auditLog from '../../db/queries/audit-log.ts'
import { newId } from '../../lib/core/ids.ts'
import { type Person, test, type World } from '../../tests/support/world.ts'
import { audit } from '../use-cases/audit.ts'
import { removeSchedule, requireSchedule } from '../use-cases/schedules.ts'

const auditOf = async (world: World, { accessToken: token }: Person, projectId: string) => {
  const { body } = await world.http('GET', `/projects/${projectId}/audit?limit=100`, { token })
  return body.items as { action: string; target: string; data: object; [field: string]: unknown }[]
}

const actionsOf = async (world: World, person: Person): Promise<string[]> =>
  (await auditOf(world, person, person.projectId)).map(({ action }) => action).toReversed()

const makeAdmin = (world: World, { userId }: Person) => world.sql`UPDATE users SET is_admin = true WHERE id = ${userId}`

describe('the audit log of a project', () => {
  test('tells who did what to what, when and from where', async ({ world }) => {
    const ada = await world.register()
    const before = Date.now()
    const body = { name: 'Robot', scopes: ['jobs:read'] }
    const path = `/projects/${ada.projectId}/api-keys`
    const made = await world.http('POST', path, { token: ada.accessToken, body, ip: '198.51.100.4' })
    const [entry] = await auditOf(world, ada, ada.projectId)
    expect(entry).toMatchObject({
      action: 'api-key.create',
      target: made.body.apiKey.id,
      data: body,
      projectId: ada.projectId,
      userId: ada.userId,
      userName: 'Ada',
      apiKeyId: null,
      ip: '198.51.100.4',
    })
    expect(Date.parse(String(entry?.['createdAt']))).toBeGreaterThan(before - 60_000)
  })

  test('has the acts of people, and no job that was submitted', async ({ world }) => {
    const ada = await world.register()
    const grace = await world.register('Grace')
    const { accessToken: token, projectId } = ada
    const call = async (method: string, path: string, body?: unknown) => {
      const answer = await world.http(method, path, { token, ...(body !== undefined && { body }) })
      expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300)
      return answer.body
    }
    await call('PATCH', `/projects/${projectId}`, { name: 'Lab' })
    await call('PUT', `/projects/${projectId}/members/${grace.userId}`, { role: 'viewer' })
    await call('DELETE', `/projects/${projectId}/members/${grace.userId}`)
    const key = await call('POST', `/projects/${projectId}/api-keys`, { name: 'Robot', scopes: ['jobs:read'] })
    await call('DELETE', `/projects/${projectId}/api-keys/${key.apiKey.id}`)
    const cron = { name: 'Night', cron: '0 3 * * *', kind: 'debug.noop', input: {} }
    const { schedule } = await call('POST', '/schedules', cron)
    await call('PATCH', `/schedules/${schedule.id}`, { paused: true })
    await call('DELETE', `/schedules/${schedule.id}`)
    const { deviceModel } = await call('POST', '/device-models', { code: '0111', name: 'Thermometer' })
    await call('PATCH', `/device-models/${deviceModel.id}`, { name: 'Hygrometer' })
    await call('DELETE', `/device-models/${deviceModel.id}`)
    const upload = { name: 'a.csv', contentType: 'text/csv', sizeBytes: 1 }
    const { file } = await call('POST', '/files/uploads', upload)
    await call('DELETE', `/files/${file.id}`)
    const { job } = await call('POST', '/jobs', { kind: 'debug.noop', input: {} })
    await call('PATCH', `/jobs/${job.id}`, { priority: 1 })
    await call('PATCH', `/jobs/${job.id}`, { priority: 1 })
    await call('POST', `/jobs/${job.id}/cancel`)
    await call('POST', `/jobs/${job.id}/retry`, {})
    await call('POST', '/queues/default/redrive', { projectId })
    await call('POST', `/jobs/${job.id}/cancel`)
    await world.relay()
    await call('DELETE', `/jobs/${job.id}`)
    expect(await actionsOf(world, ada)).toEqual([
      'project.rename',
      'member.put',
      'member.remove',
      'api-key.create',
      'api-key.revoke',
      'schedule.create',
      'schedule.change',
      'schedule.delete',
      'device-model.create',
      'device-model.change',
      'device-model.delete',
      'file.delete',
      'job.change',
      'job.cancel',
      'job.retry',
      'queue.redrive',
      'job.cancel',
      'job.delete',
    ])
  })

  test('names the API key with which a program acts for a person', async ({ world }) => {
    const ada = await world.register()
    const made = await world.http('POST', `/projects/${ada.projectId}/api-keys`, {
      token: ada.accessToken,
      body: { name: 'Robot', scopes: ['jobs:write'] },
    })
    const token = made.body.secret
    const { body } = await world.http('POST', '/jobs', { token, body: { kind: 'debug.noop', input: {} } })
    await world.http('POST', `/jobs/${body.job.id}/cancel`, { token })
    const [entry] = await auditOf(world, ada, ada.projectId)
    expect(entry).toMatchObject({ action: 'job.cancel', userId: ada.userId, apiKeyId: made.body.apiKey.id })
  })

  test('has nothing of other projects, nor of what was refused, or rolled back', async ({ world }) => {
    const [ada, grace] = [await world.register(), await world.register('Grace')]
    expect(await grace.call('PATCH', `/projects/${grace.projectId}`, { name: 'Lab' })).toMatchObject({ status: 200 })
    const { accessToken: token, projectId } = ada
    const { body } = await world.http('POST', '/jobs', { token, body: { kind: 'debug.noop', input: {} } })
    await world.http('POST', `/jobs/${body.job.id}/retry`, { token, body: {} })
    await world.http('DELETE', `/jobs/${body.job.id}`, { token })
    await world.http('DELETE', `/projects/${projectId}/members/${ada.userId}`, { token })
    await world.http('DELETE', `/projects/${projectId}/api-keys/${newId()}`, { token })
    const act = { action: 'job.cancel', projectId, target: body.job.id } as const
    const rolledBack = transaction(world.sql, async (tx) => {
      await audit(ada, act)(tx)
      throw new Error('no')
    })
    await expect(rolledBack).rejects.toThrow('no')
    expect(await actionsOf(world, ada)).toEqual([])
  })

  test('of two who delete a schedule at once, it tells of the one who did', async ({ world }) => {
    const ada = await world.register()
    const body = { name: 'N', cron: '0 0 * * *', kind: 'debug.noop', input: {} }
    const { schedule } = (await world.http('POST', '/schedules', { token: ada.accessToken, body })).body
    const row = await requireSchedule(world.app, ada, schedule.id, 'maintainer')
    await removeSchedule(world.app, ada, row)
    await expect(removeSchedule(world.app, ada, row)).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' })
    expect(await actionsOf(world, ada)).toEqual(['schedule.create', 'schedule.delete'])
  })

  test('is for its maintainers, and comes in pages', async ({ world }) => {
    const [ada, vera] = [await world.register(), await world.register('Vera')]
    const path = `/projects/${ada.projectId}/audit`
    await world.http('PUT', `/projects/${ada.projectId}/members/${vera.userId}`, {
      token: ada.accessToken,
      body: { role: 'viewer' },
    })
    for (const name of ['A', 'B'])
      await world.http('PATCH', `/projects/${ada.projectId}`, { token: ada.accessToken, body: { name } })
    expect((await world.http('GET', path, { token: vera.accessToken })).status).toBe(403)
    const first = await world.http('GET', `${path}?limit=2`, { token: ada.accessToken })
    expect(first.body.items.map(({ data }: { data: object }) => data)).toEqual([{ name: 'B' }, { name: 'A' }])
    const next = await world.http('GET', `${path}?limit=2&cursor=${first.body.nextCursor}`, { token: ada.accessToken })
    expect(next.body).toMatchObject({ items: [{ action: 'member.put', data: { role: 'viewer' } }], nextCursor: null })
  })
})

test('the audit log of everything is for admins', async ({ world }) => {
  const [ada, grace] = [await world.register(), await world.register('Grace')]
  await makeAdmin(world, ada)
  await world.http('PATCH', `/projects/${grace.projectId}`, { token: grace.accessToken, body: { name: 'Lab' } })
  await world.http('POST', '/queues/bulk/pause', { token: ada.accessToken })
  await world.http('POST', '/queues/bulk/resume', { token: ada.accessToken })
  const { body } = await world.http('GET', '/audit', { token: ada.accessToken })
  expect(body.items).toMatchObject([
    { action: 'queue.resume', target: 'bulk', projectId: null, userName: 'Ada' },
    { action: 'queue.pause', target: 'bulk', projectId: null },
    { action: 'project.rename', projectId: grace.projectId, userName: 'Grace' },
  ])
  expect((await world.http('GET', '/audit', { token: grace.accessToken })).status).toBe(403)
})

test('old entries are pruned, and newer ones stay', async ({ world }) => {
  const ada = await world.register()
  const act = { action: 'project.rename', projectId: ada.projectId, target: ada.projectId } as const
  for (let n = 0; n < 5; n++) await audit(ada, act)(world.sql)
  await world.sql`
    UPDATE audit_log SET created_at = now() - interval '400 days'
    WHERE id IN (SELECT id FROM audit_log ORDER BY id LIMIT 3)`
  expect([await auditLog.prune(world.sql, 365, 2), await auditLog.prune(world.sql, 365, 2)]).toEqual([2, 1])
  expect(await actionsOf(world, ada)).toHaveLength(2)
})
