import { describe, expect, vi } from 'vitest'
import * as files from '../../db/queries/files.ts'
import { newId } from '../../lib/core/ids.ts'
import { deleteOrphans } from '../../lib/files/orphans.ts'
import { call } from '../../tests/support/http-client.ts'
import { jobIn } from '../../tests/support/run-kind.ts'
import { test, type World } from '../../tests/support/world.ts'

const csv = { body: Buffer.from('a,b\n1,2\n'), headers: { 'content-type': 'text/csv; charset=utf-8' } }

const upload = (world: World, token: string, query = 'name=numbers.csv', options: object = csv) =>
  world.http('POST', `/files?${query}`, { token, ...options })

/** A member of somebody's project. */
const addMember = async (world: World, projectId: string, role: string) => {
  const person = await world.register('Grace')
  await world.sql`INSERT INTO memberships (project_id, user_id, role) VALUES (${projectId}, ${person.userId}, ${role})`
  return person
}

const keysOf = ({ sql }: World): Promise<{ objectKey: string }[]> => sql`SELECT object_key FROM files`

const unreachable = () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))

describe('POST /files', () => {
  test('stores the body as a file of the personal project', async ({ world }) => {
    const { accessToken: token, projectId, userId } = await world.register()
    const { status, headers, body } = await upload(world, token)
    expect(status).toBe(201)
    expect(body.file).toMatchObject({
      projectId,
      createdBy: userId,
      jobId: null,
      name: 'numbers.csv',
      contentType: 'text/csv',
      sizeBytes: 8,
    })
    expect(headers['location']).toBe(`/files/${body.file.id}`)
    const [row] = await keysOf(world)
    expect(row?.objectKey).toBe(`projects/${projectId}/uploads/${body.file.id}-numbers.csv`)
    expect(await world.app.files.get(row?.objectKey ?? '', 100)).toEqual(csv.body)
  })

  test('keeps every byte', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const body = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index % 256))
    await upload(world, token, 'name=a.png', { body, headers: { 'content-type': 'image/png' } })
    expect(await world.app.files.get((await keysOf(world))[0]?.objectKey ?? '', 1_000)).toEqual(body)
  })

  test('takes 4 MiB and not a byte more', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const headers = { 'content-type': 'application/octet-stream' }
    const body = Buffer.alloc(4 * 1024 * 1024)
    expect(await upload(world, token, 'name=a', { body, headers })).toMatchObject({ status: 201 })
    const refused = await upload(world, token, 'name=b', { body: Buffer.alloc(body.length + 1), headers })
    expect(refused).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } })
    expect(await keysOf(world)).toHaveLength(1)
  })

  test.for([['text/html'], ['image/x-unknown'], ['multipart/form-data; boundary=x']] as const)(
    'refuses %s',
    async ([type], { world }) => {
      const { accessToken: token } = await world.register()
      const headers = { 'content-type': type }
      const refused = await upload(world, token, 'name=a', { body: Buffer.from('x'), headers })
      expect(refused).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } })
    },
  )

  test.for([
    ['', 'name'],
    ['name=', 'name'],
    ['name=a%00b', 'name'],
    ['name=a%0D%0Ab', 'name'],
    ['name=a%E2%80%AEgpj.exe', 'name'],
    [`name=${'a'.repeat(256)}`, 'name'],
    ['name=a&projectId=mine', 'projectId'],
    ['name=a&size=3', 'size'],
  ] as const)('refuses ?%s and names the field', async ([query, field], { world }) => {
    const { accessToken: token } = await world.register()
    const refused = await upload(world, token, query)
    expect(refused).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED', errors: [{ path: field }] } })
  })

  test('takes a maintainer', async ({ world }) => {
    const ada = await world.register()
    const viewer = await addMember(world, ada.projectId, 'viewer')
    const maintainer = await addMember(world, ada.projectId, 'maintainer')
    const stranger = await world.register('Eve')
    const by = async (token: string) => {
      const { status, body } = await upload(world, token, `name=a.csv&projectId=${ada.projectId}`)
      return body?.code ?? status
    }
    expect(await by(viewer.accessToken)).toBe('FORBIDDEN')
    expect(await by(stranger.accessToken)).toBe('PROJECT_NOT_FOUND')
    expect(await by('')).toBe('UNAUTHENTICATED')
    expect(await by(maintainer.accessToken)).toBe(201)
  })

  test('leaves no row when the store cannot be reached', async ({ world }) => {
    const { accessToken: token } = await world.register()
    world.app.files.put = unreachable
    expect(await upload(world, token)).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
    expect(await keysOf(world)).toHaveLength(0)
  })
})

describe('POST /files/uploads', () => {
  const announce = (world: World, token: string, change: object = {}) =>
    world.http('POST', '/files/uploads', {
      token,
      body: { name: 'large.png', contentType: 'image/png', sizeBytes: 5, ...change },
    })

  test('gives a URL to which the file can be sent, and knows the file once it has arrived', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { status, body } = await announce(world, token)
    expect(status).toBe(201)
    const { file, upload: target } = body
    expect(target).toMatchObject({ method: 'PUT', headers: { 'content-type': 'image/png' }, expiresInSeconds: 900 })
    expect(file).toMatchObject({ name: 'large.png', sizeBytes: null })

    const early = await world.http('GET', `/files/${file.id}`, { token })
    expect(early).toMatchObject({ status: 409, body: { code: 'FILE_NOT_UPLOADED' } })
    expect((await world.http('GET', `/files/${file.id}/metadata`, { token })).body.file.sizeBytes).toBeNull()

    const sent = await fetch(target.url, { method: target.method, headers: target.headers, body: 'hello' })
    expect(sent.status).toBe(200)
    const metadata = await world.http('GET', `/files/${file.id}/metadata`, { token })
    expect(metadata).toMatchObject({ status: 200, body: { file: { id: file.id, sizeBytes: 5 } } })
    const [row] = await world.sql`SELECT size_bytes FROM files`
    expect(row).toEqual({ sizeBytes: 5 })
    expect(await world.http('GET', `/files/${file.id}`, { token })).toMatchObject({ status: 302 })
  })

  test.for([
    [{ sizeBytes: 0 }, 'sizeBytes'],
    [{ sizeBytes: 5 * 1024 ** 3 + 1 }, 'sizeBytes'],
    [{ contentType: 'text/html' }, 'contentType'],
    [{ name: '  ' }, 'name'],
    [{ name: 'a\u202egpj.exe' }, 'name'],
    [{ key: 'mine' }, 'key'],
  ] as const)('refuses %j and names the field', async ([change, field], { world }) => {
    const { accessToken: token } = await world.register()
    const refused = await announce(world, token, change)
    expect(refused).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED', errors: [{ path: field }] } })
    expect(await keysOf(world)).toHaveLength(0)
  })

  test('takes a maintainer', async ({ world }) => {
    const { projectId } = await world.register()
    const viewer = await addMember(world, projectId, 'viewer')
    const refused = await announce(world, viewer.accessToken, { projectId })
    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
  })
})

describe('a project with room for 1 MiB', () => {
  const small = test.override({ environment: { STORAGE_MIB_PER_PROJECT: '1' } })
  const MIB = 1024 ** 2

  const headers = { 'content-type': 'text/csv' }
  const send = async (world: World, token: string, bytes: number) =>
    (await upload(world, token, 'name=a.csv', { body: Buffer.alloc(bytes, 'x'), headers })).body
  const announce = async (world: World, token: string, sizeBytes: number) =>
    (await world.http('POST', '/files/uploads', { token, body: { name: 'a.csv', contentType: 'text/csv', sizeBytes } }))
      .body
  const remove = async (world: World, token: string, id: string) =>
    (await world.http('DELETE', `/files/${id}`, { token })).status

  small('takes no more, whoever has sent what is there, and keeps no object of what it refuses', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    expect(await announce(world, token, MIB + 1)).toMatchObject({
      ...{ status: 409, code: 'STORAGE_FULL' },
      detail: 'The files of a project may have 1 MiB together. Delete some.',
    })
    const { file } = await send(world, token, MIB)
    const keys = vi.spyOn(world.app.files, 'put')
    expect(await send(world, token, 1)).toMatchObject({ code: 'STORAGE_FULL' })
    const hello = { name: 'hello.txt', contentType: 'text/plain', bytes: Buffer.from('hello') }
    await expect(jobIn(world.app, projectId).files.write(hello)).rejects.toMatchObject({
      ...{ name: 'PermanentError', code: 'STORAGE_FULL' },
    })
    expect(keys).toHaveBeenCalledTimes(2)
    for (const [key] of keys.mock.calls) expect(await world.app.files.head(key)).toBeNull()
    expect(await send(world, (await world.register('Grace')).accessToken, 1)).toHaveProperty('file')
    expect(await remove(world, token, file.id)).toBe(204)
    expect(await announce(world, token, MIB)).toHaveProperty('file')
  })

  small('counts an upload as announced until it has arrived, and then as it is', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { file } = await announce(world, token, MIB)
    expect(await send(world, token, 1)).toMatchObject({ code: 'STORAGE_FULL' })
    // The embedded S3 takes any size.
    await world.app.files.put((await keysOf(world))[0]?.objectKey ?? '', Buffer.alloc(MIB / 2), 'text/csv')
    await world.http('GET', `/files/${file.id}/metadata`, { token })
    expect(await send(world, token, MIB / 2)).toHaveProperty('file')
    expect(await send(world, token, 1)).toMatchObject({ code: 'STORAGE_FULL' })
  })

  small('counts a small file as 16 KiB', async ({ world }) => {
    const { accessToken: token } = await world.register()
    for (let i = 0; i < 64; i++) expect(await announce(world, token, 1)).toHaveProperty('file')
    expect(await announce(world, token, 1)).toMatchObject({ code: 'STORAGE_FULL' })
  })
})

test('a page of announced files asks S3 for a few at a time, however many ask for the page', async ({ world }) => {
  const { accessToken: token } = await world.register()
  for (let i = 0; i < 6; i++) {
    const body = { name: 'a.csv', contentType: 'text/csv', sizeBytes: 1 }
    await world.http('POST', '/files/uploads', { token, body })
  }
  let [atOnce, most, asked] = [0, 0, 0]
  const head = async () => {
    most = Math.max(most, ++atOnce)
    asked++
    await new Promise(setImmediate)
    atOnce--
    return null
  }
  const app = await world.anotherApp({ files: { ...world.app.files, head } })
  await Promise.all([1, 2, 3].map(() => call(app, 'GET', '/files', { token })))
  expect(asked).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(4)
})

describe('files that are added to one project at once', () => {
  test.override({ environment: { DATABASE_MAX_CONNECTIONS: '6' } })

  test('leave connections to everything else', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { sql } = await world.anotherApp()
    const sent = await sql.begin(async (tx) => {
      await tx`LOCK TABLE files IN EXCLUSIVE MODE`
      const uploads = Array.from({ length: 12 }, (_, nth) => upload(world, token, `name=${nth}`))
      const waiting = () =>
        tx`SELECT FROM pg_locks WHERE relation = 'files'::regclass AND mode = 'RowExclusiveLock' AND NOT granted`
      await expect.poll(async () => (await waiting()).length).toBe(4)
      expect(await world.sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
      return { uploads }
    })
    await Promise.all(sent.uploads)
  })
})

describe('GET /files/{fileId}', () => {
  test('leads to the content, under its name', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { body } = await upload(world, token, `name=${encodeURIComponent('a "b"/ü.csv')}`)
    const { status, headers } = await world.http('GET', `/files/${body.file.id}`, { token })
    expect([status, headers['cache-control']]).toEqual([302, 'no-store'])
    const url = new URL(headers['location'] ?? '')
    expect(url.searchParams.get('response-content-disposition')).toBe(
      `attachment; filename="a _b___.csv"; filename*=UTF-8''a%20%22b%22_%C3%BC.csv`,
    )
    expect(await (await fetch(url)).text()).toBe('a,b\n1,2\n')
  })

  test('tells the address alone to who asks for it', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { body } = await upload(world, token)
    const { url, expiresInSeconds } = (await world.http('GET', `/files/${body.file.id}/url`, { token })).body
    expect(expiresInSeconds).toBe(300)
    expect(await (await fetch(url)).text()).toBe('a,b\n1,2\n')
  })

  test('is for members; for others the file is not there', async ({ world }) => {
    const ada = await world.register()
    const { body } = await upload(world, ada.accessToken)
    const viewer = await addMember(world, ada.projectId, 'viewer')
    const stranger = await world.register('Eve')
    const see = async (path: string, token: string) => {
      const answer = await world.http('GET', path, { token })
      return answer.body?.code ?? answer.status
    }
    for (const [path, status] of [['', 302] as const, ['/metadata', 200] as const, ['/url', 200] as const]) {
      expect(await see(`/files/${body.file.id}${path}`, viewer.accessToken)).toBe(status)
      expect(await see(`/files/${body.file.id}${path}`, stranger.accessToken)).toBe('FILE_NOT_FOUND')
    }
    expect(await see('/files/01890000-0000-7000-8000-000000000000', ada.accessToken)).toBe('FILE_NOT_FOUND')
    expect(await see('/files/nonsense', ada.accessToken)).toBe('NOT_FOUND')
  })
})

describe('GET /files', () => {
  test('pages through the project, newest first', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    for (const name of ['one', 'two', 'three']) await upload(world, token, `name=${name}`)
    const names = async (query: string) => {
      const { body } = await world.http('GET', `/files?limit=2${query}`, { token })
      return { names: body.items.map((file: { name: string }) => file.name), nextCursor: body.nextCursor }
    }
    const first = await names('')
    expect(first.names).toEqual(['three', 'two'])
    const next = await names(`&projectId=${projectId}&cursor=${first.nextCursor}`)
    expect(next).toEqual({ names: ['one'], nextCursor: null })
  })

  test('shows what jobs made, with their job', async ({ world }) => {
    const { accessToken: token, projectId } = await world.register()
    const { job, files } = jobIn(world.app, projectId)
    const { fileId } = await files.write({ name: 'made', contentType: 'image/png', bytes: Buffer.from('x') })
    const { body } = await world.http('GET', '/files', { token })
    expect(body.items).toMatchObject([{ id: fileId, jobId: job.id, createdBy: null, sizeBytes: 1 }])
  })

  test('gives the size of an announced file once it has arrived', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const body = { name: 'large.png', contentType: 'image/png', sizeBytes: 5 }
    const { upload: target } = (await world.http('POST', '/files/uploads', { token, body })).body
    const listed = async () => (await world.http('GET', '/files', { token })).body.items
    expect(await listed()).toMatchObject([{ sizeBytes: null }])
    await fetch(target.url, { method: target.method, headers: target.headers, body: 'hello' })
    expect(await listed()).toMatchObject([{ sizeBytes: 5 }])
  })

  test('is for members, and knows its own cursors', async ({ world }) => {
    const ada = await world.register()
    const { accessToken: token } = await world.register('Eve')
    const foreign = await world.http('GET', `/files?projectId=${ada.projectId}`, { token })
    expect(foreign).toMatchObject({ status: 404, body: { code: 'PROJECT_NOT_FOUND' } })
    const refused = await world.http('GET', '/files?cursor=nonsense', { token })
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'cursor' }] } })
  })
})

describe('DELETE /files/{fileId}', () => {
  test('removes the row and the object', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { body } = await upload(world, token)
    const [row] = await keysOf(world)
    expect(await world.http('DELETE', `/files/${body.file.id}`, { token })).toMatchObject({ status: 204 })
    expect(await keysOf(world)).toHaveLength(0)
    expect(await world.app.files.head(row?.objectKey ?? '')).toBeNull()
    expect(await world.http('DELETE', `/files/${body.file.id}`, { token })).toMatchObject({ status: 404 })
  })

  test('also deletes what comes after it to the URL that is still good', async ({
    world: { app, http, register, sql },
  }) => {
    const { accessToken: token } = await register()
    const announced = { name: 'large.png', contentType: 'image/png', sizeBytes: 5 }
    const { file, upload: target } = (await http('POST', '/files/uploads', { token, body: announced })).body
    const [row] = await sql<[{ objectKey: string }]>`SELECT object_key FROM files`
    expect(await http('DELETE', `/files/${file.id}`, { token })).toMatchObject({ status: 204 })
    expect(await fetch(target.url, { method: 'PUT', headers: target.headers, body: 'hello' })).toMatchObject({
      status: 200,
    })
    expect(await deleteOrphans(app, () => true)).toBe(0)
    expect(await app.files.head(row.objectKey)).not.toBeNull()
    await sql`UPDATE orphaned_objects SET orphaned_at = orphaned_at - interval '1 hour'`
    expect(await deleteOrphans(app, () => true)).toBe(1)
    expect(await app.files.head(row.objectKey)).toBeNull()
  })

  test('is for maintainers', async ({ world }) => {
    const ada = await world.register()
    const { body } = await upload(world, ada.accessToken)
    const viewer = await addMember(world, ada.projectId, 'viewer')
    const stranger = await world.register('Eve')
    const by = async ({ accessToken: token }: { accessToken: string }) =>
      (await world.http('DELETE', `/files/${body.file.id}`, { token })).body?.code
    expect([await by(viewer), await by(stranger)]).toEqual(['FORBIDDEN', 'FILE_NOT_FOUND'])
    expect(await keysOf(world)).toHaveLength(1)
  })

  test('waits for the jobs that need the file', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const png = { body: Buffer.from('x'), headers: { 'content-type': 'image/png' } }
    const { id } = (await upload(world, token, 'name=a.png', png)).body.file
    const submitted = await world.http('POST', '/jobs', {
      token,
      body: { kind: 'image.resize', input: { fileId: id, sizes: [{ width: 10 }] } },
    })
    expect(submitted).toMatchObject({ status: 202 })
    const refused = await world.http('DELETE', `/files/${id}`, { token })
    expect(refused).toMatchObject({ status: 409, body: { code: 'FILE_IN_USE' } })
    await world.http('POST', `/jobs/${submitted.body.job.id}/cancel`, { token })
    expect(await world.http('DELETE', `/files/${id}`, { token })).toMatchObject({ status: 204 })
  })

  test('waits for the jobs whose model it is', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const binary = { body: Buffer.from('x'), headers: { 'content-type': 'application/octet-stream' } }
    const { id } = (await upload(world, token, 'name=a.onnx', binary)).body.file
    const input = { model: id, fileId: newId() }
    await world.http('POST', '/jobs', { token, body: { kind: 'model.run', input } })
    const refused = await world.http('DELETE', `/files/${id}`, { token })
    expect(refused).toMatchObject({ status: 409, body: { code: 'FILE_IN_USE' } })
  })

  test('waits for the mails that it is attached to', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { id } = (await upload(world, token)).body.file
    const input = { to: ['ada@example.com'], subject: 'Hello', text: 'Hello', attachments: [id] }
    const submitted = await world.http('POST', '/jobs', { token, body: { kind: 'mail.send', input } })
    expect(submitted).toMatchObject({ status: 202 })
    const refused = await world.http('DELETE', `/files/${id}`, { token })
    expect(refused).toMatchObject({ status: 409, body: { code: 'FILE_IN_USE' } })
  })

  test('waits for the schedules whose jobs will need the file, and not for those of a deleted project', async ({
    world,
  }) => {
    const { accessToken: token, projectId } = await world.register()
    const png = { body: Buffer.from('x'), headers: { 'content-type': 'image/png' } }
    const { id } = (await upload(world, token, 'name=a.png', png)).body.file
    const input = { fileId: id, sizes: [{ width: 10 }] }
    const body = { name: 'Nightly', cron: '30 2 * * *', kind: 'image.resize', input, paused: true }
    const { schedule } = (await world.http('POST', '/schedules', { token, body })).body
    const refused = await world.http('DELETE', `/files/${id}`, { token })
    expect(refused).toMatchObject({ status: 409, body: { code: 'FILE_IN_USE' } })
    await world.sql`UPDATE projects SET deleted_at = now() WHERE id = ${projectId}`
    expect(await files.isInUse(world.sql, { id, projectId })).toBe(false)
    await world.sql`UPDATE projects SET deleted_at = NULL WHERE id = ${projectId}`
    await world.http('DELETE', `/schedules/${schedule.id}`, { token })
    expect(await world.http('DELETE', `/files/${id}`, { token })).toMatchObject({ status: 204 })
  })

  test('can be tried again when the store could not be reached', async ({ world }) => {
    const { accessToken: token } = await world.register()
    const { body } = await upload(world, token)
    const remove = world.app.files.delete
    world.app.files.delete = unreachable
    expect(await world.http('DELETE', `/files/${body.file.id}`, { token })).toMatchObject({ status: 503 })
    world.app.files.delete = remove
    expect(await world.http('DELETE', `/files/${body.file.id}`, { token })).toMatchObject({ status: 204 })
  })
})
