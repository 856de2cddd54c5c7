import { describe, expect, onTestFinished } from 'vitest'
import { sqsEvent } from '../support/worker-run.ts'
import { test, type World } from '../support/world.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'

// What Lambda does to a sandbox over its life: it is frozen between two invocations, its time is over, its process dies.

// `npm run test:image` builds the image and names it here.
const image = process.env['STINT_LAMBDA_IMAGE'] ?? ''
const PATIENCE = { timeout: 120_000, interval: 500 }

const startWorker = async ({ environment }: World, timeoutSeconds: number): Promise<Sandbox> => {
  const sandbox = await startSandbox(image, 'functions/queue/worker.handler', environment, timeoutSeconds)
  onTestFinished(sandbox.stop)
  return sandbox
}

/** Gives it the doorbells that there are. @returns what it answered; undefined if there are none */
const ringFor = async ({ invoke }: Sandbox, { app }: World): Promise<unknown> => {
  const messages = await app.queue.receive('default', { max: 10, waitSeconds: 0 })
  if (messages.length === 0) return undefined
  const { result } = await invoke(sqsEvent(messages, app.config.sqs.queueUrls.default, app.config.region))
  const receipts = messages.map((it) => it.receiptHandle)
  await app.queue.delete('default', receipts)
  return result
}

/** Submits a job that does nothing. @returns how to see what became of it */
const submit = async (world: World, token: string, input: object) => {
  const { body } = await world.http('POST', '/jobs', { token, body: { kind: 'debug.noop', input } })
  return async () => (await world.http('GET', `/jobs/${body.job.id}`, { token })).body.job
}

/** As a failover does, or a network that drops idle connections. */
const breakConnections = ({ sql }: World) => sql`
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name <> 'test'`

describe.skipIf(!image)('a sandbox of the image', () => {
  test('goes on with a job that takes longer than its function may, though it was frozen and lost its connections', {
    timeout: 240_000,
  }, async ({ world }) => {
    const { accessToken } = await world.register()
    const job = await submit(world, accessToken, { steps: 60, stepMs: 200 })
    const worker = await startWorker(world, 10)
    expect(await ringFor(worker, world)).toEqual({ batchItemFailures: [] })
    expect(await job()).toMatchObject({ state: 'queued', stint: 1, attempt: 1, crashes: 0 })

    worker.freeze()
    expect(await breakConnections(world)).not.toHaveLength(0)
    worker.thaw()
    const rung = async () => {
      await ringFor(worker, world)
      return job()
    }
    await expect.poll(rung, PATIENCE).toMatchObject({ state: 'succeeded', attempt: 1, crashes: 0 })
    expect((await job()).stint).toBeGreaterThan(1)
  })

  test('is given up with a job that passes no safe point, and takes the next one in another process', {
    timeout: 240_000,
  }, async ({ world }) => {
    const { accessToken } = await world.register()
    const stuck = await submit(world, accessToken, { steps: 1, stepMs: 60_000 })
    const worker = await startWorker(world, 8)
    expect(await ringFor(worker, world)).toMatchObject({ errorType: 'Runtime.ExitError' })
    expect(await stuck()).toMatchObject({ state: 'queued', attempt: 2, error: { code: 'NO_SAFE_POINT' } })

    const next = await submit(world, accessToken, {})
    const rung = async () => {
      await ringFor(worker, world)
      return (await next()).state
    }
    await expect.poll(rung, PATIENCE).toBe('succeeded')
  })

  describe('where leases are short', () => {
    test.override({ environment: { LEASE_SECONDS: '10', HEARTBEAT_SECONDS: '2' } })

    test('is asked to end in the middle of a job, and another one goes on with it', {
      timeout: 240_000,
    }, async ({ world }) => {
      const { accessToken } = await world.register()
      const job = await submit(world, accessToken, { steps: 100, stepMs: 200 })
      const first = await startWorker(world, 60)
      const cut = ringFor(first, world).catch(() => undefined)
      await expect.poll(async () => (await job()).progress, PATIENCE).toBeGreaterThan(0.1)
      await first.terminate()
      await cut

      const second = await startWorker(world, 60)
      const swept = async () => {
        await world.sweep()
        await ringFor(second, world)
        return job()
      }
      await expect.poll(swept, PATIENCE).toMatchObject({ state: 'succeeded', attempt: 1 })
      expect((await job()).stint).toBeGreaterThan(1)
    })
  })
})
