import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished } from 'vitest'
import { mountHttp } from '../../infra/local/host/functions.ts'
import { readRoutingTable } from '../../infra/local/host/routing-table.ts'
import { createHttpServer } from '../../infra/local/http/http-server.ts'
import { isInstalled } from '../../infra/thrift/generate.ts'
import { newId } from '../../lib/core/ids.ts'
import { test, type World } from '../support/world.ts'
import { type Generated, makeClient } from './client.ts'

// A client that the Thrift compiler makes of the IDL, over HTTP. Where the compiler isn't installed, what is tested of
// bytes is in lib/rpc and functions/http/rpc.test.ts.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const [QUEUED, SUCCEEDED, CANCELLED] = [2, 4, 6]

let made: Generated | undefined
const generated = (): Generated => {
  made ??= makeClient()
  return made
}

/** The host's HTTP server on a world's app. */
const serve = async (world: World): Promise<string> => {
  const table = readRoutingTable(`${ROOT}/serverless.yml`)
  const http = createHttpServer({ app: world.app, routes: await mountHttp(ROOT, table.http), cors: table.cors })
  const port = await http.listen(0, '127.0.0.1')
  onTestFinished(() => http.close(1_000))
  return `http://127.0.0.1:${port}`
}

const pi = (digits: number) => ({ kind: 'math.pi', input: JSON.stringify({ digits }) })

describe.skipIf(!isInstalled()).for(['binary', 'json'] as const)(
  'a generated client, in the %s protocol',
  (protocol) => {
    const setUp = async (world: World) => {
      const ada = await world.register()
      const url = await serve(world)
      const connect = (token: string) => generated().connect(url, protocol, token)
      return { ada, connect, client: connect(ada.accessToken) }
    }

    test('submits a job, watches it end, and lists and cancels others', async ({ world }) => {
      const { ada, client } = await setUp(world)
      const submitted = await client.submitJob({
        ...pi(20),
        name: 'Pi',
        tags: ['a', 'b'],
        priority: 3,
        uniqueKey: 'pi',
      })
      expect(submitted).toMatchObject({
        projectId: ada.projectId,
        kind: 'math.pi',
        queue: 'compute',
        state: QUEUED,
        name: 'Pi',
        tags: ['a', 'b'],
        priority: 3,
        uniqueKey: 'pi',
        progress: 0,
        result: null,
      })
      const waiting = { reason: 'behind', jobs: 0, jobIds: null, limit: null, limitOf: null }
      expect((await client.getJob(`${submitted['id']}`))['waitingBecause']).toMatchObject(waiting)
      await world.work('compute')
      const job = await client.getJob(`${submitted['id']}`)
      expect(job).toMatchObject({ crashes: 0, waitingBecause: null })
      expect(Number(job['runMs'])).toBeGreaterThanOrEqual(0)
      expect(job).toMatchObject({ id: submitted['id'], state: SUCCEEDED, progress: 1, attempt: 1, error: null })
      expect(JSON.parse(`${job['result']}`)).toMatchObject({ digits: '3.14159265358979323846' })

      const other = await client.submitJob({ kind: 'debug.noop', input: '{}', delaySeconds: 600 })
      expect((await client.getJob(`${other['id']}`))['waitingBecause']).toMatchObject({
        reason: 'delayed',
        expectedStartAt: other['startAt'],
        jobs: null,
      })
      expect(await client.cancelJob(`${other['id']}`)).toMatchObject({ state: CANCELLED })
      const first = await client.listJobs({ limit: 1 })
      expect(first.items).toMatchObject([{ id: other['id'], state: CANCELLED, input: null }])
      const second = await client.listJobs({ limit: 1, cursor: first.nextCursor })
      expect(second).toMatchObject({ items: [{ id: submitted['id'] }], nextCursor: null })
      expect((await client.listJobs({ state: SUCCEEDED, tag: 'a' })).items).toHaveLength(1)
      const expiring = await client.submitJob({ ...pi(10), expiresAt: '2100-01-01T00:00:00Z' })
      expect(expiring).toMatchObject({ expiresAt: '2100-01-01T00:00:00.000Z' })
      expect((await client.listJobs({ submittedBy: `${submitted['id']}` })).items).toEqual([])
      expect((await client.listJobs({ finishedBefore: '2020-01-01T00:00:00Z' })).items).toEqual([])
      expect((await client.listJobs({ queuedAfter: '2020-01-01T00:00:00+02:00' })).items).toHaveLength(3)
      await world.sql`UPDATE jobs SET submitted_by = ${`${submitted['id']}`} WHERE id = ${`${expiring['id']}`}`
      expect(await client.getJob(`${expiring['id']}`)).toMatchObject({ submittedBy: submitted['id'] })
    })

    test('hears of the machine and the queues', async ({ world }) => {
      const { client } = await setUp(world)
      await client.submitJob(pi(10))
      const system = await client.getSystem()
      expect(system).toMatchObject({ version: world.app.config.version, cpus: expect.any(Number) })
      expect(Number(system['freeDiskBytes'])).toBeGreaterThan(2 ** 20)
      expect(system['loadAverage']).toHaveLength(3)
      expect(system.queues.find((it) => it['queue'] === 'compute')).toMatchObject({
        queued: 1,
        running: 0,
        paused: false,
      })
    })

    test('text comes through whatever is in it', async ({ world }) => {
      const { client } = await setUp(world)
      const echo = 'ü😀"\\/\u0001\u2028'
      const { id } = await client.submitJob({ kind: 'debug.noop', input: JSON.stringify({ echo }), name: 'ü😀\u0001' })
      await world.work('default')
      const job = await client.getJob(`${id}`)
      expect(job['name']).toBe('ü😀\u0001')
      expect(JSON.parse(`${job['result']}`)).toMatchObject({ echo })
    })

    test('is told what is wrong, with the codes of the API, by the exception that the IDL has', async ({ world }) => {
      const { connect, client } = await setUp(world)
      const thrownBy = async (call: Promise<unknown>) => {
        const problem = (await call.catch((error: unknown) => error)) as Record<string, unknown>
        expect(problem).toBeInstanceOf(generated().Problem)
        const errors = problem['errors'] as { path: string }[]
        return { code: problem['code'], status: problem['status'], paths: errors.map(({ path }) => path) }
      }
      const invalid = (...paths: string[]) => ({ code: 'VALIDATION_FAILED', status: 422, paths })
      const missing = { code: 'JOB_NOT_FOUND', status: 404, paths: [] }
      expect(await thrownBy(client.submitJob(pi(0)))).toEqual(invalid('submission.input.digits'))
      expect(await thrownBy(client.submitJob({ ...pi(1), priority: 99 }))).toEqual(invalid('submission.priority'))
      expect(await thrownBy(client.submitJob({ kind: 'math.pi', input: '{' }))).toEqual(invalid('submission.input'))
      expect(await thrownBy(client.submitJob({ kind: 'math.pi', input: '{"digits":1e400}' }))).toEqual(
        invalid('submission.input'),
      )
      expect(await thrownBy(client.submitJob({ kind: 'no.such', input: '{}' }))).toMatchObject({ code: 'UNKNOWN_KIND' })
      expect(await thrownBy(client.listJobs({ limit: 0, state: 77 }))).toMatchObject({ code: 'VALIDATION_FAILED' })
      expect(await thrownBy(client.getJob('1'))).toEqual(missing)
      expect(await thrownBy(client.getJob(newId()))).toEqual(missing)

      const { id } = await client.submitJob(pi(10))
      const stranger = connect((await world.register('Mallory')).accessToken)
      expect(await thrownBy(stranger.getJob(`${id}`))).toEqual(missing)
      expect(await thrownBy(stranger.cancelJob(`${id}`))).toEqual(missing)
      await client.cancelJob(`${id}`)
      expect(await thrownBy(client.cancelJob(`${id}`))).toMatchObject({ code: 'JOB_ENDED', status: 409 })
      expect(await thrownBy(connect('no-token').getSystem())).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
    })

    test('may do what its role and its key’s scopes allow', async ({ world }) => {
      const { ada, connect, client } = await setUp(world)
      const { id } = await client.submitJob(pi(10))
      const codeOf = (call: Promise<unknown>) =>
        call.then(
          () => 'done',
          (error: { code: string }) => error.code,
        )
      const keyOf = async (scopes: string[]) => {
        const url = `/projects/${ada.projectId}/api-keys`
        const answer = await world.http('POST', url, { token: ada.accessToken, body: { name: 'Robot', scopes } })
        return connect(answer.body.secret)
      }
      const viewer = await world.register('Vera')
      await world.http('PUT', `/projects/${ada.projectId}/members/${viewer.userId}`, {
        token: ada.accessToken,
        body: { role: 'viewer' },
      })
      const callers = {
        viewer: connect(viewer.accessToken),
        reader: await keyOf(['jobs:read']),
        writer: await keyOf(['jobs:write']),
        other: await keyOf(['files:write']),
      }
      const seen = await Promise.all(
        Object.entries(callers).map(async ([name, caller]) => [
          name,
          await codeOf(caller.getJob(`${id}`)),
          await codeOf(caller.listJobs({ projectId: ada.projectId })),
          await codeOf(caller.submitJob({ ...pi(10), projectId: ada.projectId })),
        ]),
      )
      expect(seen).toEqual([
        ['viewer', 'done', 'done', 'FORBIDDEN'],
        ['reader', 'done', 'done', 'SCOPE_MISSING'],
        ['writer', 'done', 'done', 'done'],
        ['other', 'SCOPE_MISSING', 'SCOPE_MISSING', 'SCOPE_MISSING'],
      ])
      expect(await codeOf(callers.viewer.cancelJob(`${id}`))).toBe('FORBIDDEN')
      expect(await codeOf(callers.reader.cancelJob(`${id}`))).toBe('SCOPE_MISSING')
      expect(await codeOf(callers.writer.cancelJob(`${id}`))).toBe('done')
    })

    test('gets the same job for the same idempotency key', async ({ world }) => {
      const { client } = await setUp(world)
      const submission = { ...pi(10), idempotencyKey: 'nightly-1' }
      const [{ id: first }, { id: again }] = [await client.submitJob(submission), await client.submitJob(submission)]
      expect(again).toBe(first)
      const other = client.submitJob({ ...submission, priority: 1 })
      await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    })
  },
)
