import { execFileSync } from 'node:child_process'
import sharp from 'sharp'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import type { Parsed } from '../support/http-client.ts'

// `npm run test:compose` starts docker-compose.yml and names here where it answers. What these tests do is what people do.

const url = process.env['STINT_COMPOSE_URL'] ?? ''

const PATIENCE = { timeout: 240_000, interval: 500 }

const compose = (...args: string[]): string => execFileSync('docker', ['compose', ...args], { encoding: 'utf8' })
const running = (): string[] => compose('ps', '--services', '--status', 'running').trim().split('\n')

const ask = async (method: string, path: string, token = '', body?: object | Buffer, type = 'application/json') => {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': type }) },
    ...(body && { body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: (text ? JSON.parse(text) : undefined) as Parsed }
}

const register = async (email: string): Promise<string> => {
  const account = { email, password: 'correct horse battery', name: 'Ada' }
  const { status, body } = await ask('POST', '/auth/register', '', account)
  expect(status).toBe(201)
  return body.accessToken
}

const submit = async (token: string, kind: string, input: object): Promise<string> => {
  const { status, body } = await ask('POST', '/jobs', token, { kind, input })
  expect(status, JSON.stringify(body)).toBe(202)
  return body.job.id
}

const jobOf = async (token: string, id: string): Promise<Parsed> => (await ask('GET', `/jobs/${id}`, token)).body.job
const succeeds = (token: string, id: string) =>
  expect.poll(async () => (await jobOf(token, id)).state, PATIENCE).toBe('succeeded')

/** What a query is answered by the Prometheus in its container, which has no port outside. */
const askPrometheus = async (query: string): Promise<Parsed> => {
  const address = `http://localhost:9090/api/v1/query?${new URLSearchParams({ query })}`
  return JSON.parse(compose('exec', '--no-TTY', 'prometheus', 'wget', '--quiet', '--output-document=-', address))
}

describe.skipIf(!url)('docker compose up', { timeout: 600_000 }, () => {
  test('has everything well, and a page to look at', async () => {
    const health = async () => (await ask('GET', '/health').catch(() => undefined))?.body.status
    await expect.poll(health, PATIENCE).toBe('ok')
    expect(await (await fetch(url)).text()).toContain('<script type="module"')
  })

  test('runs jobs of every queue, tells of them live, and gives out their files', async () => {
    const token = await register('ada@example.com')
    const { body: ticket } = await ask('POST', '/live/tickets', token)
    const socket = new WebSocket(ticket.url)
    onTestFinished(() => socket.terminate())
    const heard: string[] = []
    socket.on('message', (data) => heard.push(String(data)))
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))

    const picture = sharp({ create: { width: 64, height: 64, channels: 3, background: '#369' } })
    const png = await picture.png().toBuffer()
    const { body: uploaded } = await ask('POST', '/files?name=a.png', token, png, 'image/png')
    await ask('POST', '/device-models', token, { code: '0111', name: 'Thermometer' })
    const jobs = [
      await submit(token, 'math.pi', { digits: 200 }),
      await submit(token, 'serials.generate', { deviceModelCode: '0111', start: 1, count: 500 }),
      await submit(token, 'image.resize', { fileId: uploaded.file.id, sizes: [{ width: 8 }] }),
    ]
    for (const id of jobs) await succeeds(token, id)
    for (const id of jobs) await expect.poll(() => heard.some((it) => it.includes(id)), PATIENCE).toBe(true)

    const { result } = await jobOf(token, jobs.at(-1) ?? '')
    const small = await fetch(`${url}/files/${result.images[0].fileId}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(small.url).toMatch(/^http:\/\/localhost:4566\//)
    expect((await sharp(Buffer.from(await small.arrayBuffer())).metadata()).width).toBe(8)
  })

  test('lets its page send and fetch files, whatever the address of S3', async () => {
    const token = await register('lovelace@example.com')
    const announced = { name: 'a.txt', contentType: 'text/plain', sizeBytes: 5 }
    const { upload } = (await ask('POST', '/files/uploads', token, announced)).body
    const headers = {
      origin: url,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'content-type',
    }
    const preflight = await fetch(upload.url, { method: 'OPTIONS', headers })
    expect(preflight.status).toBeLessThan(300)
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT')
    expect(['*', url]).toContain(preflight.headers.get('access-control-allow-origin'))
    const sent = await fetch(upload.url, { method: 'PUT', headers: { ...upload.headers, origin: url }, body: 'hello' })
    expect(sent.status).toBe(200)
    expect(['*', url]).toContain(sent.headers.get('access-control-allow-origin'))
  })

  test('a worker that is killed has its job gone on with', async () => {
    const token = await register('grace@example.com')
    const id = await submit(token, 'debug.noop', { steps: 60, stepMs: 100 })
    await expect.poll(async () => (await jobOf(token, id)).progress, PATIENCE).toBeGreaterThan(0.1)
    compose('kill', 'worker')
    compose('up', '--detach', '--no-recreate', 'worker')
    await succeeds(token, id)
    expect((await jobOf(token, id)).stint).toBeGreaterThan(1)
  })

  for (const service of ['localstack', 'kafka', 'postgres']) {
    test(`goes on when ${service} was killed and is back`, async () => {
      const token = await register(`${service}@example.com`)
      const before = await submit(token, 'debug.noop', { steps: 60, stepMs: 100 })
      await expect.poll(async () => (await jobOf(token, before)).state, PATIENCE).toBe('running')
      compose('kill', service)
      compose('up', '--detach', '--no-recreate', '--wait', service)
      await expect.poll(async () => (await ask('GET', '/health')).body.status, PATIENCE).toBe('ok')
      await succeeds(token, before)
      await succeeds(token, await submit(token, 'math.pi', { digits: 200 }))
    })
  }

  test('sends mails, whose links lead back to it; who has confirmed an email can be made an admin', async () => {
    const token = await register('mary@example.com')
    const inbox = async (path: string) => (await (await fetch(`http://localhost:8025/api/v1/${path}`)).json()) as Parsed
    const find = async (): Promise<Parsed> =>
      (await inbox('messages')).messages.find((it: Parsed) => it.To[0].Address === 'mary@example.com')
    await expect.poll(find, PATIENCE).toBeDefined()
    const mail = await inbox(`message/${(await find()).ID}`)
    expect(mail.Text).toContain(`${url}/`)

    const [, mailed] = /#([\w-]+)/.exec(mail.Text) ?? []
    expect((await ask('POST', '/auth/verify', token, { token: mailed })).status).toBe(204)
    compose('exec', '--no-TTY', 'api', 'node', 'infra/cli/stint.ts', 'admin', 'add', 'mary@example.com')
    expect((await ask('GET', '/auth/me', token)).body.user).toMatchObject({ isAdmin: true })
  })

  test('has its metrics in Prometheus', async () => {
    const finished = async () => (await askPrometheus('sum(stint_jobs_finished_total)')).data.result[0]?.value[1]
    // A worker that is killed takes with it what it counted last.
    await expect.poll(async () => Number(await finished()), PATIENCE).toBeGreaterThan(0)
  })

  test('shows three dashboards in Grafana', async ({ skip }) => {
    if (!running().includes('grafana')) skip('No package brings Grafana.')
    const found = (await (await fetch('http://localhost:3001/api/search?type=dash-db')).json()) as Parsed[]
    expect(found.map(({ uid }) => uid).toSorted()).toEqual(['stint-jobs', 'stint-queue-health', 'stint-service'])
  })
})
