import { randomUUID } from 'node:crypto'
import sharp from 'sharp'
import { describe, expect, onTestFinished } from 'vitest'
import { functionFiles } from '../../infra/docker/bundle.ts'
import { toHttpEvent } from '../../infra/local/http/http-event.ts'
import { publicHalf } from '../../lib/core/config.ts'
import type { QueueName } from '../../lib/queue/doorbells.ts'
import { sqsEvent } from '../support/worker-run.ts'
import { test, type World } from '../support/world.ts'
import { inImage, inspect, sizeOf } from './docker.ts'
import { type Invocation, startSandbox } from './sandbox.ts'

// `npm run test:image` builds the image and names it here.
const image = process.env['STINT_LAMBDA_IMAGE'] ?? ''

interface HttpResult {
  statusCode: number
  body: string
}
interface Request {
  token?: string
  body?: Buffer | object
  type?: string
  params?: Record<string, string>
}

/** The event of a request, as API Gateway makes it. */
const httpEvent = (method: string, path: string, { token, body, type = 'application/json', params }: Request = {}) =>
  toHttpEvent({
    method,
    url: path,
    headers: {
      host: 'api.example.com',
      'content-type': type,
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: Buffer.isBuffer(body) ? body : Buffer.from(body ? JSON.stringify(body) : ''),
    ip: '192.0.2.1',
    requestId: randomUUID(),
    routeKey: `${method} ${path.split('?')[0]}`,
    pathParameters: params,
  })

/** As on AWS, only the function that signs people in has the keys for it, and the others what verifies them. */
const environmentOf = (file: string, { environment }: World): Record<string, string> => {
  if (file === 'functions/http/auth') return environment
  const { AUTH_SIGNING_KEYS = '[]', AUTH_REFRESH_KEY: _, ...others } = environment
  return { ...others, AUTH_PUBLIC_KEYS: JSON.stringify(JSON.parse(AUTH_SIGNING_KEYS).map(publicHalf)) }
}

/** Starts a function cold and gives it events one after the other. */
const call = async (file: string, world: World, events: unknown[], timeoutSeconds?: number): Promise<Invocation[]> => {
  const sandbox = await startSandbox(image, `${file}.handler`, environmentOf(file, world), timeoutSeconds)
  try {
    const done: Invocation[] = []
    for (const event of events) done.push(await sandbox.invoke(event))
    const [first, second] = done.map(({ ms }) => `${ms.toFixed(0)} ms`)
    console.log(`${file}: first invocation ${first}${second ? `, second ${second}` : ''}`)
    return done
  } finally {
    await sandbox.stop()
  }
}
const bodyOf = (invocation: Invocation | undefined) => {
  const { statusCode, body } = (invocation?.result ?? {}) as Partial<HttpResult>
  return { status: statusCode, body: body ? JSON.parse(body) : undefined }
}

const runWorker = async (world: World, queue: QueueName): Promise<unknown> => {
  const doorbells = await world.app.queue.receive(queue, { max: 10, waitSeconds: 0 })
  const event = sqsEvent(doorbells, world.app.config.sqs.queueUrls[queue], world.app.config.region)
  const [invocation] = await call('functions/queue/worker', world, [event])
  return invocation?.result
}

describe.skipIf(!image)('the image of the functions', () => {
  test('answers requests, runs jobs and publishes their events', { timeout: 240_000 }, async ({ world }) => {
    // It gives each component two seconds, and the first answer of a cold function on a busy machine may need more.
    const sandbox = await startSandbox(image, 'functions/http/system.handler', world.environment)
    // Otherwise the next run's requests would come to it, at the one port that the emulator has.
    onTestFinished(sandbox.stop)
    const ask = async () => bodyOf(await sandbox.invoke(httpEvent('GET', '/health')))
    await expect.poll(ask, { timeout: 60_000, interval: 1_000 }).toMatchObject({ status: 200, body: { status: 'ok' } })
    await sandbox.stop()

    const account = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' }
    const registered = await call('functions/http/auth', world, [
      httpEvent('POST', '/auth/register', { body: account }),
      httpEvent('POST', '/auth/login', { body: { email: account.email, password: account.password } }),
    ])
    expect(registered.map((it) => bodyOf(it).status)).toEqual([201, 200])
    const token: string = bodyOf(registered[1]).body.accessToken

    const picture = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#369' } })
      .png()
      .toBuffer()
    const [uploaded] = await call('functions/http/files', world, [
      httpEvent('POST', '/files?name=a.png', { token, body: picture, type: 'image/png' }),
    ])
    expect(bodyOf(uploaded).status).toBe(201)
    const fileId: string = bodyOf(uploaded).body.file.id

    const submitted = await call('functions/http/submissions', world, [
      httpEvent('POST', '/jobs', { token, body: { kind: 'math.pi', input: { digits: 50 } } }),
      httpEvent('POST', '/jobs', { token, body: { kind: 'image.resize', input: { fileId, sizes: [{ width: 8 }] } } }),
      httpEvent('POST', '/jobs', { token, body: { kind: 'math.pi', input: { digits: 0 } } }),
    ])
    expect(submitted.map((it) => bodyOf(it).status)).toEqual([202, 202, 422])

    for (const queue of ['compute', 'default'] as const) {
      if ((await world.app.queue.visible(queue)) > 0)
        expect(await runWorker(world, queue)).toEqual({ batchItemFailures: [] })
    }
    const ids = submitted.slice(0, 2).map((it) => bodyOf(it).body.job.id as string)
    const shown = await call(
      'functions/http/jobs',
      world,
      ids.map((jobId) => httpEvent('GET', `/jobs/${jobId}`, { token, params: { jobId } })),
    )
    expect(shown.map((it) => bodyOf(it).body.job.state)).toEqual(['succeeded', 'succeeded'])

    await call('functions/schedule/relay', world, [{}], 10)
    const published = (await world.events()).filter(({ type }) => type === 'job.succeeded')
    expect(published.map(({ subject }) => subject).toSorted()).toEqual(ids.toSorted())
  })

  test('runs as nobody in particular', () => {
    expect(inspect(image, '{{.Config.User}}')).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  })

  test('has every function, and nothing that only builds or tests', () => {
    const files = inImage(image, 'find . -type f')
    expect(files).toEqual(expect.arrayContaining(functionFiles().map((file) => `./${file}.mjs`)))
    expect(files.filter((file) => /\.ts$|node_modules\/(esbuild|typescript|vitest|@biomejs)\//.test(file))).toEqual([])
    console.log(`${image}: ${sizeOf(image, '.')}`)
  })
})
