import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { test } from '../../tests/support/world.ts'

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

interface Answered {
  accessToken: string
  job: { id: string; state: string }
}

interface Served {
  child: ChildProcess
  printed(): string
}

const serve = (role: string, env: Record<string, string>): Served => {
  const child = spawn(process.execPath, [fileOf('serve.ts'), role], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text))
  return { child, printed: () => printed }
}

/** What one says in its log, once it has said it. */
const said = async ({ printed, child }: Served, pattern: RegExp): Promise<string> => {
  await expect
    .poll(() => (pattern.test(printed()) ? 'said' : child.exitCode === null ? 'waits' : printed()), { timeout: 60_000 })
    .toBe('said')
  return pattern.exec(printed())?.[1] ?? ''
}

test('one container answers HTTP and another runs the jobs; both stop in order', { timeout: 120_000 }, async ({
  world,
}) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'stint-serve-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const { AUTH_SIGNING_KEYS: _, AUTH_REFRESH_KEY: __, ...given } = world.environment
  const env = { ...given, LOG_LEVEL: 'info', PORT: '0', STINT_DATA_DIR: dataDir, S3_BUCKET: `${given['S3_BUCKET']}-2` }
  const prepare = () => promisify(execFile)(process.execPath, [fileOf('prepare.ts')], { env })
  await prepare()
  await prepare()

  const api = serve('api', env)
  const worker = serve('worker', env)
  const url = `http://127.0.0.1:${await said(api, /"port":(\d+)/)}`
  await said(worker, /"msg":"the queues are polled"/)
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

  for (const { child } of [api, worker]) child.kill('SIGTERM')
  expect(await Promise.all([once(api.child, 'exit'), once(worker.child, 'exit')])).toEqual([
    [0, null],
    [0, null],
  ])
})

test('says what is missing', async () => {
  const { child, printed } = serve('api', { STINT_DATA_DIR: mkdtempSync(join(tmpdir(), 'stint-serve-')) })
  expect(await once(child, 'close')).toEqual([1, null])
  expect(printed()).toMatch(/DATABASE_URL: .*\n.*SQS_QUEUE_URL_DEFAULT/)
})
