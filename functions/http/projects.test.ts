import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { type Person, test, type World } from '../../tests/support/world.ts'

const call = (world: World, person: Person, method: string, path: string, body?: unknown) =>
  world.http(method, path, { token: person.accessToken, ...(body !== undefined && { body }) })

const newProject = async (world: World, owner: Person, name = 'Lab'): Promise<string> =>
  (await call(world, owner, 'POST', '/projects', { name })).body.project.id

const putMember = (world: World, owner: Person, projectId: string, userId: string, role: string) =>
  call(world, owner, 'PUT', `/projects/${projectId}/members/${userId}`, { role })

/** A project, and a person of each role in it. */
const team = async (world: World) => {
  const owner = await world.register('Olga')
  const maintainer = await world.register('Max')
  const viewer = await world.register('Vera')
  const stranger = await world.register('Sam')
  const projectId = await newProject(world, owner)
  await putMember(world, owner, projectId, maintainer.userId, 'maintainer')
  await putMember(world, owner, projectId, viewer.userId, 'viewer')
  return { projectId, path: `/projects/${projectId}`, people: { owner, maintainer, viewer, stranger } }
}

const rolesIn = async (world: World, projectId: string): Promise<Record<string, string>> => {
  const rows = await world.sql<{ name: string; role: string }[]>`
    SELECT name, role FROM memberships JOIN users ON users.id = user_id WHERE project_id = ${projectId} ORDER BY name`
  return Object.fromEntries(rows.map(({ name, role }) => [name, role]))
}

const addJob = (world: World, projectId: string, state: string) => world.sql`
  INSERT INTO jobs (id, project_id, timeout_seconds, max_attempts, state, kind, queue, input)
  VALUES (${newId()}, ${projectId}, 60, 1, ${state}, 'math.pi', 'compute', '{}')`

describe('a project', () => {
  test('is a person’s hundredth at the most, not counting deleted ones and those of others', async ({ world }) => {
    const [owner, other] = [await world.register(), await world.register('Grace')]
    await world.sql`
      WITH made AS (
        INSERT INTO projects (id, name, deleted_at)
        SELECT gen_random_uuid(), 'Lab', CASE WHEN n = 1 THEN now() END FROM generate_series(1, 100) AS n RETURNING id
      )
      INSERT INTO memberships (project_id, user_id, role)
      SELECT id, ${owner.userId}::uuid, 'owner' FROM made UNION ALL SELECT id, ${other.userId}, 'viewer' FROM made`
    expect(await call(world, owner, 'POST', '/projects', { name: 'Lab' })).toMatchObject({
      ...{ status: 409, body: { code: 'LIMIT_REACHED', detail: 'A person may own 100 projects.' } },
    })
    expect((await call(world, other, 'POST', '/projects', { name: 'Lab' })).status).toBe(201)
    expect((await call(world, owner, 'DELETE', `/projects/${owner.projectId}`)).status).toBe(204)
    expect((await call(world, owner, 'POST', '/projects', { name: 'Lab' })).status).toBe(201)
  })

  test('is made, shown, renamed, listed and deleted by its owner', async ({ world }) => {
    const owner = await world.register()
    const made = await call(world, owner, 'POST', '/projects', { name: ' Lab ' })
    expect(made).toMatchObject({ status: 201, body: { project: { name: 'Lab', role: 'owner', isPersonal: false } } })
    const path = made.headers['location']!
    expect(path).toBe(`/projects/${made.body.project.id}`)
    expect(await call(world, owner, 'GET', path)).toMatchObject({ status: 200, body: made.body })

    const renamed = await call(world, owner, 'PATCH', path, { name: 'Laboratory' })
    expect(renamed).toMatchObject({ status: 200, body: { project: { name: 'Laboratory', role: 'owner' } } })
    const listed = await call(world, owner, 'GET', '/projects')
    expect(listed.body).toMatchObject({
      items: [{ name: 'Personal', isPersonal: true }, renamed.body.project],
      nextCursor: null,
    })

    expect((await call(world, owner, 'DELETE', path)).status).toBe(204)
    expect((await call(world, owner, 'GET', '/projects')).body.items).toHaveLength(1)
    const row = await world.sql`SELECT FROM projects WHERE id = ${made.body.project.id} AND deleted_at IS NOT NULL`
    expect(row, 'its rows stay until retention takes them').toHaveLength(1)
  })

  test('cannot be deleted while it has jobs that have not ended', async ({ world }) => {
    const owner = await world.register()
    for (const state of ['blocked', 'queued', 'running']) {
      const projectId = await newProject(world, owner)
      await addJob(world, projectId, state)
      const refused = await call(world, owner, 'DELETE', `/projects/${projectId}`)
      expect(refused, state).toMatchObject({ status: 409, body: { code: 'PROJECT_HAS_LIVE_JOBS' } })
      expect((await call(world, owner, 'GET', `/projects/${projectId}`)).status).toBe(200)
    }
    const ended = await newProject(world, owner)
    for (const state of ['succeeded', 'failed', 'cancelled']) await addJob(world, ended, state)
    expect((await call(world, owner, 'DELETE', `/projects/${ended}`)).status).toBe(204)
  })

  test('may be deleted though it is the last one', async ({ world }) => {
    const owner = await world.register()
    expect((await call(world, owner, 'DELETE', `/projects/${owner.projectId}`)).status).toBe(204)
    expect((await call(world, owner, 'GET', '/projects')).body).toEqual({ items: [], nextCursor: null })
  })

  test('that was deleted is not there for any route', async ({ world }) => {
    const { path, people } = await team(world)
    await call(world, people.owner, 'DELETE', path)
    for (const [, method, url, body] of ROUTES(path, people.viewer)) {
      const answer = await call(world, people.owner, method, url, body)
      expect(answer, `${method} ${url}`).toMatchObject({ status: 404, body: { code: 'PROJECT_NOT_FOUND' } })
    }
  })

  test('is listed in pages, which join without gap or repeat', async ({ world }) => {
    const owner = await world.register()
    for (const name of ['a', 'b', 'c', 'd']) await newProject(world, owner, name)
    const names: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const url: string = `/projects?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
      const { status, body } = await call(world, owner, 'GET', url)
      expect(status).toBe(200)
      expect(body.items.length).toBeLessThanOrEqual(2)
      names.push(...body.items.map((item: { name: string }) => item.name))
      cursor = body.nextCursor
    }
    expect(names).toEqual(['Personal', 'a', 'b', 'c', 'd'])
  })

  test('is listed only for its members, with the role of who asks', async ({ world }) => {
    const { projectId, people } = await team(world)
    for (const [role, person] of Object.entries(people)) {
      const { body } = await call(world, person, 'GET', '/projects')
      const found = body.items.filter((item: { id: string }) => item.id === projectId)
      expect(found).toEqual(role === 'stranger' ? [] : [expect.objectContaining({ role })])
    }
  })
})

/** Every route of a project, with who may use it. */
const ROUTES = (path: string, somebody: Person) =>
  [
    ['viewer', 'GET', path, undefined],
    ['viewer', 'GET', `${path}/members`, undefined],
    ['owner', 'PATCH', path, { name: 'Other' }],
    ['owner', 'POST', `${path}/members`, { email: somebody.email, role: 'viewer' }],
    ['owner', 'PUT', `${path}/members/${somebody.userId}`, { role: 'viewer' }],
    ['owner', 'DELETE', `${path}/members/${somebody.userId}`, undefined],
    ['owner', 'DELETE', path, undefined],
  ] as const

describe('the roles', () => {
  const RANK = ['viewer', 'maintainer', 'owner']

  for (const role of ['stranger', 'viewer', 'maintainer', 'owner'] as const) {
    test(`let the ${role} do what is theirs to do, and nothing else`, async ({ world }) => {
      const { projectId, path, people } = await team(world)
      const other = await world.register('Oleg')
      await putMember(world, people.owner, projectId, other.userId, 'viewer')
      for (const [needed, method, url, body] of ROUTES(path, other)) {
        const answer = await call(world, people[role], method, url, body)
        const what = `${method} ${url}`
        if (role === 'stranger') {
          expect(answer, what).toMatchObject({ status: 404, body: { code: 'PROJECT_NOT_FOUND' } })
        } else if (RANK.indexOf(role) < RANK.indexOf(needed)) {
          expect(answer, what).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
          expect(answer.body.detail, what).toContain(needed)
        } else {
          expect(answer.status, what).toBeLessThan(300)
        }
      }
    })
  }

  test('are asked for before it is said whether an email has an account', async ({ world }) => {
    const { path, people } = await team(world)
    const body = { email: 'nobody@example.com', role: 'viewer' }
    expect((await call(world, people.owner, 'POST', `${path}/members`, body)).body.code).toBe('USER_NOT_FOUND')
    expect((await call(world, people.maintainer, 'POST', `${path}/members`, body)).body.code).toBe('FORBIDDEN')
    expect((await call(world, people.stranger, 'POST', `${path}/members`, body)).body.code).toBe('PROJECT_NOT_FOUND')
  })
})

describe('the members', () => {
  test('are listed with their roles, in pages', async ({ world }) => {
    const { path, people } = await team(world)
    const first = await call(world, people.viewer, 'GET', `${path}/members?limit=2`)
    const rest = await call(world, people.viewer, 'GET', `${path}/members?limit=2&cursor=${first.body.nextCursor}`)
    expect([...first.body.items, ...rest.body.items]).toEqual(
      (['owner', 'maintainer', 'viewer'] as const).map((role) => ({
        userId: people[role].userId,
        email: people[role].email,
        name: expect.any(String),
        role,
        createdAt: expect.any(String),
      })),
    )
    expect(rest.body.nextCursor).toBeNull()
  })

  test('are added by email, in whatever case, and see the project at once', async ({ world }) => {
    const { path, people } = await team(world)
    const body = { email: ` ${people.stranger.email.toUpperCase()} `, role: 'maintainer' }
    expect(await call(world, people.owner, 'POST', `${path}/members`, body)).toMatchObject({
      status: 200,
      body: { member: { userId: people.stranger.userId, email: people.stranger.email, role: 'maintainer' } },
    })
    expect((await call(world, people.stranger, 'GET', path)).body.project.role).toBe('maintainer')
  })

  test('change their role at once, up and down', async ({ world }) => {
    const { projectId, path, people } = await team(world)
    const rename = async () => (await call(world, people.viewer, 'PATCH', path, { name: 'Other' })).status
    expect(await rename()).toBe(403)
    await putMember(world, people.owner, projectId, people.viewer.userId, 'owner')
    expect(await rename()).toBe(200)
    await putMember(world, people.owner, projectId, people.viewer.userId, 'viewer')
    expect(await rename()).toBe(403)
  })

  test('may leave by themselves', async ({ world }) => {
    const { projectId, path, people } = await team(world)
    for (const person of [people.viewer, people.maintainer]) {
      expect((await call(world, person, 'DELETE', `${path}/members/${person.userId}`)).status).toBe(204)
      expect((await call(world, person, 'GET', path)).status).toBe(404)
    }
    expect(await rolesIn(world, projectId)).toEqual({ Olga: 'owner' })
  })

  test('must be there to be removed, and an account to be added', async ({ world }) => {
    const { projectId, path, people } = await team(world)
    const removed = await call(world, people.owner, 'DELETE', `${path}/members/${people.stranger.userId}`)
    expect(removed).toMatchObject({ status: 404, body: { code: 'MEMBER_NOT_FOUND' } })
    const added = await putMember(world, people.owner, projectId, newId(), 'viewer')
    expect(added).toMatchObject({ status: 404, body: { code: 'USER_NOT_FOUND' } })
  })
})

describe('the last owner', () => {
  const LAST = { status: 409, body: { code: 'LAST_OWNER' } }

  test('can neither leave nor be lowered, by whatever route', async ({ world }) => {
    const { projectId, path, people } = await team(world)
    const { owner } = people
    expect(await call(world, owner, 'DELETE', `${path}/members/${owner.userId}`)).toMatchObject(LAST)
    expect(await putMember(world, owner, projectId, owner.userId, 'viewer')).toMatchObject(LAST)
    const invited = await call(world, owner, 'POST', `${path}/members`, { email: owner.email, role: 'maintainer' })
    expect(invited).toMatchObject(LAST)
    expect((await putMember(world, owner, projectId, owner.userId, 'owner')).status).toBe(200)
    expect((await rolesIn(world, projectId))['Olga']).toBe('owner')
  })

  test('may leave once there is another', async ({ world }) => {
    const { projectId, path, people } = await team(world)
    await putMember(world, people.owner, projectId, people.viewer.userId, 'owner')
    expect((await call(world, people.owner, 'DELETE', `${path}/members/${people.owner.userId}`)).status).toBe(204)
    expect(await rolesIn(world, projectId)).toEqual({ Max: 'maintainer', Vera: 'owner' })
  })

  test('stays, when all owners leave or lower each other at the same moment', async ({ world }) => {
    const ann = await world.register('Ann')
    const ben = await world.register('Ben')
    for (let round = 0; round < 5; round++) {
      const projectId = await newProject(world, ann)
      await putMember(world, ann, projectId, ben.userId, 'owner')
      const members = `/projects/${projectId}/members`
      const answers = await Promise.all([
        call(world, ann, 'DELETE', `${members}/${ann.userId}`),
        call(world, ben, 'DELETE', `${members}/${ben.userId}`),
        putMember(world, ann, projectId, ben.userId, 'viewer'),
        putMember(world, ben, projectId, ann.userId, 'viewer'),
      ])
      const roles = Object.values(await rolesIn(world, projectId))
      expect(
        roles.filter((role) => role === 'owner'),
        JSON.stringify(answers.map(({ body }) => body)),
      ).toHaveLength(1)
    }
  })
})

describe('bad input', () => {
  test('names the field', async ({ world }) => {
    const { path, people } = await team(world)
    const members = `${path}/members/${people.viewer.userId}`
    const cases: [method: string, url: string, body: unknown, path: string][] = [
      ['POST', '/projects', { name: '' }, 'name'],
      ['POST', '/projects', { name: 'x'.repeat(101) }, 'name'],
      ['POST', '/projects', { name: 'a\u0000b' }, 'name'],
      ['POST', '/projects', { name: '\udc00' }, 'name'],
      ['POST', '/projects', { name: 5 }, 'name'],
      ['POST', '/projects', { name: 'Lab', isPersonal: true }, 'isPersonal'],
      ['PATCH', path, {}, 'name'],
      ['PATCH', path, { name: 'Lab', deletedAt: null }, 'deletedAt'],
      ['PUT', members, { role: 'admin' }, 'role'],
      ['PUT', members, {}, 'role'],
      ['POST', `${path}/members`, { email: 'nobody', role: 'viewer' }, 'email'],
      ['POST', `${path}/members`, { userId: newId(), email: 'a@x.org', role: 'viewer' }, 'userId'],
    ]
    for (const [method, url, body, field] of cases) {
      const answer = await call(world, people.owner, method, url, body)
      expect(answer, JSON.stringify(body)).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED' } })
      expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual([field])
    }
  })

  test('in the query is refused by name', async ({ world }) => {
    const { path, people } = await team(world)
    const cases = [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=ten', 'limit'],
      ['cursor=garbage', 'cursor'],
      [`cursor=${Buffer.from('"1; DROP TABLE users"').toString('base64url')}`, 'cursor'],
      ['sort=name', 'sort'],
    ]
    for (const url of ['/projects', `${path}/members`]) {
      for (const [query, field] of cases) {
        const answer = await call(world, people.owner, 'GET', `${url}?${query}`)
        expect(answer, query).toMatchObject({ status: 422, body: { errors: [{ path: field }] } })
      }
    }
  })

  test('an id that can be none names nothing', async ({ world }) => {
    const { path, people } = await team(world)
    for (const id of ['1', 'not-a-uuid', `${newId()}0`, "'%20OR%20true"]) {
      expect((await call(world, people.owner, 'GET', `/projects/${id}`)).status, id).toBe(404)
      expect((await call(world, people.owner, 'GET', `/projects/${id}/members`)).status, id).toBe(404)
      expect((await call(world, people.owner, 'DELETE', `${path}/members/${id}`)).status, id).toBe(404)
    }
  })
})

describe('people, where mails reach them,', () => {
  test.override({
    environment: { SMTP_URL: 'smtp://127.0.0.1:1', PUBLIC_URL: 'https://stint.example.org' },
  })

  test('are found by an email that they have confirmed, and by no other', async ({ world }) => {
    const { path, people } = await team(world)
    const invite = (email: string) => call(world, people.owner, 'POST', `${path}/members`, { email, role: 'viewer' })
    for (const email of [people.stranger.email, 'nobody@example.com']) {
      const body = { code: 'USER_NOT_FOUND', detail: `No account with a confirmed email ${email}.` }
      expect(await invite(email)).toMatchObject({ status: 404, body })
    }
    await world.sql`UPDATE users SET email_confirmed_at = now() WHERE id = ${people.stranger.userId}`
    expect((await invite(people.stranger.email)).status).toBe(200)
  })
})
