import { once } from 'node:events'
import { DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { DeleteQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import { expect, onTestFinished } from 'vitest'
import { LOCAL_CREDENTIALS } from '../../lib/core/local-credentials.ts'
import { prepare, serve, serveBoth, stopBoth } from '../../tests/support/containers.ts'
import { functionsRole } from '../../tests/support/functions-role.ts'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { test } from '../../tests/support/world.ts'

interface Answered {
  accessToken: string
  job: { id: string; state: string }
}

test('one container answers HTTP and another runs the jobs, neither as owner of the tables; both stop in order', async ({
  world,
}) => {
  const dataDir = temporaryFolder()
  const { ownerUrl, functionsUrl, drop } = functionsRole(world)
  const { AUTH_SIGNING_KEYS: _, AUTH_REFRESH_KEY: __, ...given } = world.environment
  const settings = { LOG_LEVEL: 'info', PORT: '0', STINT_DATA_DIR: dataDir, S3_BUCKET: `${given['S3_BUCKET']}-2` }
  const env = { ...given, ...settings, DATABASE_URL: functionsUrl }
  const asOwner = { ...env, DATABASE_URL: ownerUrl, DATABASE_FUNCTIONS_URL: functionsUrl }
  await prepare(asOwner)
  await prepare(asOwner)

  const { url, ...both } = await serveBoth(env)
  onTestFinished(() => {
    for (const { child } of Object.values(both)) child.kill('SIGKILL')
  })
  const call = async (path: string, token = '', body?: object) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    const answer = await fetch(`${url}${path}`, {
      headers,
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Answered }
  }
  const components = async () => (await call('/health')).body
  await expect.poll(components, { timeout: 60_000, interval: 500 }).toMatchObject({ status: 'ok' })
  const account = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' }
  const token: string = (await call('/auth/register', '', account)).body.accessToken
  const { status, body } = await call('/jobs', token, { kind: 'debug.noop', input: { steps: 3 } })
  expect(status).toBe(202)
  const state = async () => (await call(`/jobs/${body.job.id}`, token)).body.job.state
  await expect.poll(state, { timeout: 60_000, interval: 100 }).toBe('succeeded')

  // LocalStack is started anew.
  const { sqs, s3, region } = world.app.config
  const client = { region, credentials: LOCAL_CREDENTIALS, forcePathStyle: true }
  const bucket = new S3Client({ ...client, endpoint: s3.endpoint ?? '' })
  await bucket.send(new DeleteBucketCommand({ Bucket: env.S3_BUCKET }))
  const queue = new SQSClient({ ...client, endpoint: sqs.endpoint ?? '' })
  await queue.send(new DeleteQueueCommand({ QueueUrl: sqs.queueUrls.default }))
  const { body: next } = await call('/jobs', token, { kind: 'debug.noop', input: {} })
  await expect
    .poll(async () => (await call(`/jobs/${next.job.id}`, token)).body.job.state, { timeout: 60_000, interval: 100 })
    .toBe('succeeded')
  await expect.poll(components, { timeout: 60_000, interval: 500 }).toMatchObject({ status: 'ok' })

  expect(await stopBoth(both)).toEqual([
    [0, null],
    [0, null],
  ])
  await drop()
})

test('says what is missing', async () => {
  const { child, printed } = serve('api', { STINT_DATA_DIR: temporaryFolder() })
  onTestFinished(() => void child.kill('SIGKILL'))
  expect(await once(child, 'close')).toEqual([1, null])
  expect(printed()).toMatch(/DATABASE_URL: .*\n.*SQS_QUEUE_URL_DEFAULT/)
})

test('what prepares says what is wrong with the database, and prints no stack', async ({ world }) => {
  const given = { ...world.environment, STINT_DATA_DIR: temporaryFolder() }
  const refused = Object.assign(new URL(functionsRole(world).ownerUrl), { username: 'nobody' }).href
  for (const [env, said] of [
    [{ ...given, DATABASE_URL: refused }, /^dbmate up failed: .*nobody/],
    [{ ...given, DATABASE_FUNCTIONS_URL: 'postgres://functions@localhost/stint' }, /^DATABASE_FUNCTIONS_URL: expected/],
    [{ ...given, S3_BUCKET: '' }, /S3_BUCKET/],
  ] as const) {
    const error: { code: number; stderr: string } = await prepare(env).then(
      () => expect.unreachable(),
      (it) => it,
    )
    expect(error).toMatchObject({ code: 1, stderr: expect.stringMatching(said) })
    expect(error.stderr).not.toContain('    at ')
  }
})
