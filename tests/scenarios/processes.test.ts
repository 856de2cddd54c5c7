import { existsSync, readFileSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { run } from '../../infra/cli/program.ts'
import { type Stack, startStack } from '../../infra/local/stack.ts'
import type { Parsed } from '../support/http-client.ts'
import { stackFolder } from '../support/stack-folder.ts'

// What an admin can do to the processes of a stack that runs, over HTTP, as a page of the dashboard does it.

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const PATIENCE = { timeout: 120_000, interval: 200 }

let dataDir: string
let stack: Stack
let token: string

beforeAll(async () => {
  dataDir = stackFolder('processes')
  stack = await startStack({ dataDir })
  const ada = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' }
  const answer = await fetch(`${stack.url}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ada),
  })
  token = ((await answer.json()) as { accessToken: string }).accessToken
  const io = { env: { STINT_DATA_DIR: dataDir }, out: () => {}, err: () => {} }
  expect(await run(['admin', 'add', ada.email], io)).toBe(0)
})

afterAll(async () => {
  await stack?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

const ask = async (method: string, path: string, body?: object): Promise<{ status: number; body: Parsed }> => {
  const answer = await fetch(`${stack.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: await answer.json() }
}

/** The process as it is shown; undefined while nobody can tell. */
const find = async (name: string): Promise<Parsed> => {
  const answer = await ask('GET', '/system/processes').catch(() => undefined)
  return answer?.body.items?.find((it: { name: string }) => it.name === name)
}

/** What `stint doctor` says of the API, for somebody who has nothing but the data folder. */
const toldOfApi = async (): Promise<string[]> => {
  const printed: string[] = []
  const io = { env: { STINT_DATA_DIR: dataDir }, out: (text: string) => void printed.push(text), err: () => {} }
  await run(['doctor', '--json'], io)
  const { findings } = JSON.parse(printed.join('')) as { findings: { check: string; what: string }[] }
  return findings.filter(({ check }) => check === 'api').map(({ what }) => what)
}

const system = async (): Promise<Parsed> => (await ask('GET', '/system')).body

const statusOf = async (component: string): Promise<string> =>
  (await system()).components.find(({ name }: { name: string }) => name === component).status

test.skipIf(!existsSync('/proc/self/environ'))(
  'no process in which jobs or schedules run has a key that signs people in',
  async () => {
    const processes = () => stack.run().filter(({ name }) => /^(worker|schedules)/.test(name))
    await expect.poll(() => processes().map(({ name }) => name), PATIENCE).toContain('worker-default-1')
    for (const { name, pid } of processes()) {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      expect(environment, name).toContain('DATABASE_URL=')
      expect(environment, name).not.toMatch(/AUTH_SIGNING_KEYS=|AUTH_REFRESH_KEY=/)
    }
  },
)

test('the parts and the workers are listed, and the system is well', async () => {
  const { body } = await ask('GET', '/system/processes')
  const shown = ['actions', 'name', 'pid', 'port', 'restarts', 'startedAt', 'state']
  for (const it of body.items) expect(Object.keys(it).toSorted()).toEqual(shown)
  const names = body.items.map(({ name }: { name: string }) => name)
  expect(names).toEqual(
    expect.arrayContaining(['postgres', 'sqs-s3', 'kafka', 'host', 'worker-default-1', 'schedules']),
  )
  for (const { name, pid } of stack.run()) {
    if (name !== 'supervisor') expect((await find(name)).pid, name).toBe(pid)
  }
  await expect.poll(async () => (await system()).status, PATIENCE).toBe('ok')
  const { managesProcesses, versions, machine } = await system()
  expect(managesProcesses).toBe(true)
  expect(versions).toMatchObject({ node: process.versions.node, postgres: expect.stringMatching(/^\d+\./) })
  expect(machine.disk.freeBytes).toBeGreaterThan(0)
})

test.for(['kafka', 'sqs-s3', 'worker-default-1', 'schedules', 'postgres', 'host'])('%s is restarted', async (name) => {
  const before = await find(name)
  expect((await ask('POST', `/system/processes/${name}/restart`)).status).toBe(202)
  const isAnother = async () => {
    const now = await find(name)
    return now?.state === 'up' && now.pid !== before.pid && now
  }
  const after = await vi.waitUntil(isAnother, PATIENCE)
  // The host counts its workers, and a restarted host is another process.
  if (name !== 'host') expect(after.restarts).toBe(before.restarts + 1)
  await expect.poll(async () => (await system().catch(() => undefined))?.status, PATIENCE).toBe('ok')
})

test('who listens hears of jobs again when the process of the schedules and of Kafka has come back', async () => {
  const { pid } = await find('schedules')
  await ask('POST', '/system/processes/schedules/restart')
  await expect.poll(async () => (await find('schedules'))?.pid, PATIENCE).not.toBe(pid)
  const ticket = await ask('POST', '/live/tickets')
  const socket = new WebSocket(ticket.body.url)
  const heard: string[] = []
  socket.addEventListener('message', ({ data }) => heard.push(String(data)))
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  const { body } = await ask('POST', '/jobs', { kind: 'debug.noop', input: {} })
  await expect.poll(() => heard.some((frame) => frame.includes(body.job.id)), PATIENCE).toBe(true)
  socket.close()
})

test('Kafka is stopped, stays down, and is started', async () => {
  expect((await ask('POST', '/system/processes/kafka/stop')).status).toBe(202)
  await expect.poll(() => find('kafka'), PATIENCE).toMatchObject({ state: 'stopped', pid: null, actions: ['start'] })
  await expect.poll(() => statusOf('kafka'), PATIENCE).toBe('down')
  expect(await find('kafka')).toMatchObject({ state: 'stopped' })
  expect(await toldOfApi()).toEqual(['kafka is down, as the API sees it'])
  expect((await ask('POST', '/system/processes/kafka/start')).status).toBe(202)
  await expect.poll(() => statusOf('kafka'), PATIENCE).toBe('up')
  expect(stack.printed()).toContain('kafka was stopped by an admin, started again')
})

test('a host that stands still is no healthy one to the doctor, who does not need it', async () => {
  await expect.poll(toldOfApi, PATIENCE).toEqual([])
  const { pid } = await find('host')
  process.kill(pid, 'SIGSTOP')
  try {
    expect(await toldOfApi()).toEqual([expect.stringMatching(/^the API at .* gives no answer: .*timeout/)])
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await expect.poll(async () => (await system().catch(() => undefined))?.status, PATIENCE).toBe('ok')
})

test('each has a log', async () => {
  for (const name of ['postgres', 'kafka', 'host', 'worker-default-1', 'schedules']) {
    const { status, body } = await ask('GET', `/system/processes/${name}/logs?lines=5`)
    expect(status).toBe(200)
    expect(body.lines.length, name).toBeLessThanOrEqual(5)
  }
  const { body } = await ask('GET', '/system/processes/postgres/logs')
  expect(body.lines.join('\n')).toContain('database system is ready to accept connections')
})
