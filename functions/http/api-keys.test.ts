import { createHash } from 'node:crypto'
import { describe, expect } from 'vitest'
import { forgetKeys, KEY_SECONDS, verifyApiKey } from '../../lib/auth/api-keys.ts'
import { newId } from '../../lib/core/ids.ts'
import { type Person, test, type World } from '../../tests/support/world.ts'

const makeKey = (world: World, { accessToken: token, projectId }: Person, scopes: string[], more: object = {}) =>
  world.http('POST', `/projects/${projectId}/api-keys`, { token, body: { name: 'Robot', scopes, ...more } })

const secretOf = async (world: World, person: Person, scopes: string[]): Promise<string> =>
  (await makeKey(world, person, scopes)).body.secret

const keysOf = (world: World, { accessToken: token, projectId }: Person) =>
  world.http('GET', `/projects/${projectId}/api-keys`, { token })

const submit = (world: World, token: string, more: object = {}) =>
  world.http('POST', '/jobs', { token, body: { kind: 'debug.noop', input: {}, ...more } })

describe('an API key', () => {
  test('is made, shown without its secret, listed and revoked', async ({ world }) => {
    const ada = await world.register()
    const made = await makeKey(world, ada, ['jobs:write', 'files:read', 'jobs:write'])
    expect(made.status).toBe(201)
    const { apiKey, secret } = made.body
    expect(secret).toMatch(/^stk_[\w-]{43}$/)
    expect(apiKey).toMatchObject({
      name: 'Robot',
      hint: secret.slice(0, 8),
      scopes: ['jobs:write', 'files:read'],
      createdBy: ada.userId,
      projectId: ada.projectId,
      expiresAt: null,
      lastUsedAt: null,
    })
    expect((await keysOf(world, ada)).body).toEqual({ items: [apiKey], nextCursor: null })

    const path = `/projects/${ada.projectId}/api-keys/${apiKey.id}`
    expect((await world.http('DELETE', path, { token: ada.accessToken })).status).toBe(204)
    expect((await keysOf(world, ada)).body.items).toEqual([])
    const again = await world.http('DELETE', path, { token: ada.accessToken })
    expect(again).toMatchObject({ status: 404, body: { code: 'API_KEY_NOT_FOUND' } })
  })

  test('is stored as a hash alone', async ({ world }) => {
    const ada = await world.register()
    const secret = await secretOf(world, ada, ['jobs:read'])
    const [row] = await world.sql<[{ secretHash: Buffer; whole: string }]>`
      SELECT secret_hash, api_keys::text AS whole FROM api_keys`
    expect(row.secretHash).toEqual(createHash('sha256').update(secret).digest())
    expect(row.whole).not.toContain(secret.slice(8))
  })

  test('submits jobs into its project, and sees those of no other', async ({ world }) => {
    const ada = await world.register()
    const other = await world.http('POST', '/projects', { token: ada.accessToken, body: { name: 'Lab' } })
    const hidden = await submit(world, ada.accessToken, { projectId: other.body.project.id })
    const secret = await secretOf(world, ada, ['jobs:write'])

    const submitted = await submit(world, secret)
    expect(submitted).toMatchObject({ status: 202, body: { job: { projectId: ada.projectId } } })
    const listed = await world.http('GET', '/jobs', { token: secret })
    expect(listed.body.items.map((job: { id: string }) => job.id)).toEqual([submitted.body.job.id])
    for (const path of [`/jobs/${hidden.body.job.id}`, `/jobs/${newId()}`]) {
      const answer = await world.http('GET', path, { token: secret })
      expect(answer).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } })
    }
    const elsewhere = await submit(world, secret, { projectId: other.body.project.id })
    expect(elsewhere).toMatchObject({ status: 404, body: { code: 'PROJECT_NOT_FOUND' } })
  })

  test('goes into its own project even if its maker has another that is Personal', async ({ world }) => {
    const ada = await world.register()
    const lab = await world.http('POST', '/projects', { token: ada.accessToken, body: { name: 'Lab' } })
    const projectId = lab.body.project.id
    const secret = await secretOf(world, { ...ada, projectId }, ['jobs:write', 'files:read'])
    expect((await submit(world, secret)).body.job.projectId).toBe(projectId)
    expect((await world.http('GET', '/files', { token: secret })).body.items).toEqual([])
  })

  test('that may write may read, and not the other way round', async ({ world }) => {
    const ada = await world.register()
    const reader = await secretOf(world, ada, ['jobs:read'])
    expect((await world.http('GET', '/jobs', { token: reader })).status).toBe(200)
    const refused = await submit(world, reader)
    expect(refused).toMatchObject({ status: 403, body: { code: 'SCOPE_MISSING' } })
    expect(refused.headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="jobs:write"')
  })

  test('never goes beyond the role of its maker at that moment', async ({ world }) => {
    const [olga, max] = [await world.register('Olga'), await world.register('Max')]
    const member = `/projects/${olga.projectId}/members/${max.userId}`
    const role = (name: string) => world.http('PUT', member, { token: olga.accessToken, body: { role: name } })
    await role('maintainer')
    const secret = await secretOf(world, { ...max, projectId: olga.projectId }, ['jobs:write'])
    expect((await submit(world, secret)).status).toBe(202)
    await role('viewer')
    expect(await submit(world, secret)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    expect((await world.http('GET', '/jobs', { token: secret })).status).toBe(200)
  })

  test('ends with the membership of its maker, and does not come back with it', async ({ world }) => {
    const [olga, max] = [await world.register('Olga'), await world.register('Max')]
    const member = `/projects/${olga.projectId}/members/${max.userId}`
    const join = () => world.http('PUT', member, { token: olga.accessToken, body: { role: 'maintainer' } })
    await join()
    const there = { ...max, projectId: olga.projectId }
    const [gone, kept] = [await makeKey(world, there, ['jobs:write']), await makeKey(world, olga, ['jobs:write'])]
    const elsewhere = await secretOf(world, max, ['jobs:write'])
    expect((await submit(world, gone.body.secret)).status).toBe(202)
    await world.http('DELETE', member, { token: olga.accessToken })
    await join()
    expect(await submit(world, gone.body.secret)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
    expect((await keysOf(world, olga)).body.items).toMatchObject([{ id: kept.body.apiKey.id }])
    for (const secret of [kept.body.secret, elsewhere]) expect((await submit(world, secret)).status).toBe(202)
    const audit = await world.http('GET', `/projects/${olga.projectId}/audit`, { token: olga.accessToken })
    expect(audit.body.items).toContainEqual(
      expect.objectContaining({ action: 'api-key.revoke', userId: olga.userId, target: gone.body.apiKey.id }),
    )
  })

  test('of an admin redrives the jobs of its project and of no other', async ({ world }) => {
    const ada = await world.register()
    await world.sql`UPDATE users SET is_admin = true WHERE id = ${ada.userId}`
    const secret = await secretOf(world, ada, ['jobs:write'])
    const redrive = (body: object) => world.http('POST', '/queues/default/redrive', { token: secret, body })
    const grace = await world.register('Grace')
    const mine = await submit(world, ada.accessToken)
    const hers = await submit(world, grace.accessToken)
    await world.sql`UPDATE jobs SET state = 'failed', finished_at = now()`
    expect(await redrive({ projectId: grace.projectId })).toMatchObject({ body: { code: 'PROJECT_NOT_FOUND' } })
    expect(await redrive({})).toMatchObject({ status: 200, body: { redriven: 1 } })
    const states = await world.sql`SELECT id, state FROM jobs ORDER BY id`
    expect(states).toEqual([
      { id: mine.body.job.id, state: 'queued' },
      { id: hers.body.job.id, state: 'failed' },
    ])
    expect((await world.http('POST', '/queues/default/pause', { token: secret })).status).toBe(403)
  })
})

describe('who may make keys', () => {
  test('are maintainers and owners, for themselves', async ({ world }) => {
    const [olga, vera] = [await world.register('Olga'), await world.register('Vera')]
    const path = `/projects/${olga.projectId}/members/${vera.userId}`
    await world.http('PUT', path, { token: olga.accessToken, body: { role: 'viewer' } })
    const there = { ...vera, projectId: olga.projectId }
    expect(await makeKey(world, there, ['jobs:read'])).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    expect((await keysOf(world, there)).status).toBe(403)
  })

  test('names the field that is wrong', async ({ world }) => {
    const ada = await world.register()
    const cases: [scopes: string[], more: object, path: string][] = [
      [[], {}, 'scopes'],
      [['jobs:*'], {}, 'scopes[0]'],
      [['jobs:read', 'admin'], {}, 'scopes[1]'],
      [['jobs:read'], { name: '' }, 'name'],
      [['jobs:read'], { expiresInSeconds: 59 }, 'expiresInSeconds'],
      [['jobs:read'], { expiresInSeconds: 1e12 }, 'expiresInSeconds'],
    ]
    for (const [scopes, more, path] of cases) {
      const answer = await makeKey(world, ada, scopes, more)
      expect(answer, path).toMatchObject({ status: 422, body: { errors: [{ path }] } })
    }
  })
})

describe('a key that is over', () => {
  test('is refused at once by the process in which it was revoked, and by others within seconds', async ({ world }) => {
    const ada = await world.register()
    const made = await makeKey(world, ada, ['jobs:read'])
    const { call } = await import('../../tests/support/http-client.ts')
    const elsewhere = await world.anotherApp()
    const list = () => world.http('GET', '/jobs', { token: made.body.secret })
    const listElsewhere = () => call(elsewhere, 'GET', '/jobs', { token: made.body.secret })
    expect([(await list()).status, (await listElsewhere()).status]).toEqual([200, 200])

    const path = `/projects/${ada.projectId}/api-keys/${made.body.apiKey.id}`
    await world.http('DELETE', path, { token: ada.accessToken })
    expect(await list()).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
    world.advance(KEY_SECONDS)
    expect((await listElsewhere()).status).toBe(401)
  })

  test('is refused at once even if it was just being read when it was revoked', async ({ world }) => {
    const secret = await secretOf(world, await world.register(), ['jobs:read'])
    const read = Promise.withResolvers<void>()
    const revoked = Promise.withResolvers<void>()
    const sql = new Proxy(world.sql, {
      apply: async (target, _, statement) => {
        const rows = await Reflect.apply(target, undefined, statement)
        read.resolve()
        await revoked.promise
        return rows
      },
    })
    const app = { ...world.app, sql }
    const reading = verifyApiKey(app, secret)
    await read.promise
    await world.sql`DELETE FROM api_keys`
    forgetKeys(app)
    revoked.resolve()
    await reading
    await expect(verifyApiKey(app, secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('is refused by a process whose clock was put back', async ({ world }) => {
    const ada = await world.register()
    const secret = await secretOf(world, ada, ['jobs:read'])
    const list = async () => (await world.http('GET', '/jobs', { token: secret })).status
    expect(await list()).toBe(200)
    await world.sql`DELETE FROM api_keys`
    world.advance(-60)
    expect(await list()).toBe(401)
  })

  test('is refused from the moment on at which it expires', async ({ world }) => {
    const ada = await world.register()
    const made = await makeKey(world, ada, ['jobs:read'], { expiresInSeconds: 60 })
    const list = () => world.http('GET', '/jobs', { token: made.body.secret })
    const { createdAt, expiresAt } = made.body.apiKey
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(60_000)
    expect((await list()).status).toBe(200)
    world.advance(KEY_SECONDS)
    await world.sql`UPDATE api_keys SET expires_at = now() - interval '1 millisecond'`
    expect((await list()).status).toBe(401)
  })

  test('is known no longer than it is good', async ({ world }) => {
    const ada = await world.register()
    const secret = await secretOf(world, ada, ['jobs:read'])
    await world.sql`UPDATE api_keys SET expires_at = now() + interval '4 seconds'`
    const list = async () => (await world.http('GET', '/jobs', { token: secret })).status
    expect(await list()).toBe(200)
    await world.sql`DELETE FROM api_keys`
    world.advance(4)
    expect(await list()).toBe(401)
  })
})

test('the last use of a key is noted after the request, once a minute', async ({ world }) => {
  const ada = await world.register()
  const secret = await secretOf(world, ada, ['jobs:read'])
  const use = async (): Promise<string | null> => {
    await world.http('GET', '/jobs', { token: secret })
    await world.app.keyUses.flush()
    return (await keysOf(world, ada)).body.items[0].lastUsedAt
  }
  const first = await use()
  expect(first).toMatch(/Z$/)
  expect(await use()).toBe(first)
  await world.sql`UPDATE api_keys SET last_used_at = now() - interval '2 minutes'`
  world.advance(61)
  expect(Date.parse((await use()) ?? '')).toBeGreaterThanOrEqual(Date.parse(first ?? ''))
})

test('keys are listed page by page, newest first', async ({ world }) => {
  const ada = await world.register()
  for (const name of ['one', 'two', 'three']) await makeKey(world, ada, ['jobs:read'], { name })
  const path = `/projects/${ada.projectId}/api-keys?limit=2`
  const first = await world.http('GET', path, { token: ada.accessToken })
  expect(first.body.items.map(({ name }: { name: string }) => name)).toEqual(['three', 'two'])
  const next = await world.http('GET', `${path}&cursor=${first.body.nextCursor}`, { token: ada.accessToken })
  expect(next.body).toMatchObject({ items: [{ name: 'one' }], nextCursor: null })
})
