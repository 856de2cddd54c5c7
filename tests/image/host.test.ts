import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { test } from '../support/world.ts'
import { type Container, startContainer } from './container.ts'
import { inImage, inspect, sizeOf } from './docker.ts'

// `npm run test:image` builds the image and names it here.
const image = process.env['STINT_HOST_IMAGE'] ?? ''

const { devDependencies } = packageJson
const PATIENCE = { timeout: 120_000, interval: 200 }

interface Answer {
  accessToken: string
  file: { id: string }
  job: { id: string; state: string }
  status: string
}

/** A volume of the test's own, for the keys that the containers share. */
const makeVolume = (): string => {
  const docker = (...args: string[]) => execFileSync('docker', ['volume', ...args], { encoding: 'utf8' }).trim()
  const name = docker('create')
  onTestFinished(() => void docker('rm', '--force', name))
  return name
}

/** What a container says in its log, once it has said it. */
const said = async ({ printed, exited }: Container, pattern: RegExp): Promise<string> => {
  let ended = false
  void exited.then(() => (ended = true))
  const state = () => (pattern.test(printed()) ? 'said' : ended ? printed() : 'waits')
  await expect.poll(state, PATIENCE).toBe('said')
  return pattern.exec(printed())?.[1] ?? ''
}

describe.skipIf(!image)('the image of the host', () => {
  test('prepares, answers and works in three containers that share a volume', { timeout: 300_000 }, async ({
    world,
  }) => {
    const { AUTH_SIGNING_KEYS: _, AUTH_REFRESH_KEY: __, ...given } = world.environment
    const environment = { ...given, LOG_LEVEL: 'info', PORT: '0', S3_BUCKET: `${given['S3_BUCKET']}-2` }
    const options = ['--volume', `${makeVolume()}:/data`]
    const start = (...command: string[]): Container => {
      const container = startContainer({ image, command: ['node', ...command], environment, options })
      onTestFinished(container.kill)
      return container
    }
    const prepare = start('infra/docker/prepare.ts')
    expect(await prepare.exited, prepare.printed()).toBe(0)
    const api = start('infra/docker/serve.ts', 'api')
    const worker = start('infra/docker/serve.ts', 'worker')
    const url = `http://127.0.0.1:${await said(api, /"port":(\d+)/)}`
    await said(worker, /"msg":"the queues are polled"/)

    const call = async (path: string, init: RequestInit = {}, token = '') => {
      const headers = { 'content-type': 'application/json', ...init.headers, authorization: `Bearer ${token}` }
      const answer = await fetch(`${url}${path}`, { ...init, headers })
      return { status: answer.status, body: (await answer.json()) as Answer }
    }
    const post = (path: string, body: object, token?: string) =>
      call(path, { method: 'POST', body: JSON.stringify(body) }, token)
    await expect.poll(async () => (await call('/health')).body.status, PATIENCE).toBe('ok')
    expect(await (await fetch(url)).text()).toContain('<script type="module"')

    const account = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' }
    const token = (await post('/auth/register', account)).body.accessToken
    const picture = (await import('sharp')).default({
      create: { width: 64, height: 64, channels: 3, background: '#369' },
    })
    const upload = { method: 'POST', headers: { 'content-type': 'image/png' }, body: await picture.png().toBuffer() }
    const fileId = (await call('/files?name=a.png', upload as RequestInit, token)).body.file.id
    const jobs = [
      { kind: 'math.pi', input: { digits: 50 } },
      { kind: 'image.resize', input: { fileId, sizes: [{ width: 8 }] } },
    ]
    for (const job of jobs) {
      const { status, body } = await post('/jobs', job, token)
      expect(status).toBe(202)
      const state = async () => (await call(`/jobs/${body.job.id}`, {}, token)).body.job.state
      await expect.poll(state, PATIENCE).toBe('succeeded')
    }
    await expect
      .poll(async () => (await world.events()).filter(({ type }) => type === 'job.succeeded').length, PATIENCE)
      .toBe(2)

    // An orderly end of each: a container that Docker had to kill ends with 137.
    expect(await Promise.all([api.stop(), worker.stop()])).toEqual([0, 0])
  })

  test('runs as nobody in particular', () => {
    expect(inspect(image, '{{.Config.User}}')).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  })

  test('has packages as they are patched here', () => {
    const file = 'node_modules/postgres/src/connection.js'
    const here = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    expect(inImage(image, `cat ${file}`)).toEqual(here.trim().split('\n'))
  })

  test('has nothing that only builds or tests', () => {
    const files = inImage(image, 'find . -type f').map((file) => file.slice(2))
    const ours = files.filter((file) => !file.startsWith('node_modules/'))
    expect(ours).toContain('functions/dashboard/dist/index.html')
    expect(ours.filter((file) => /^(bench|docs|tests)\/|\.test\.ts$|^functions\/dashboard\/ui\//.test(file))).toEqual(
      [],
    )
    const idle = [...Object.keys(devDependencies), 'patch-package'].filter((name) =>
      files.includes(`node_modules/${name}/package.json`),
    )
    expect(idle).toEqual([])
    console.log(`${image}: ${sizeOf(image, '.')}`)
  })
})
