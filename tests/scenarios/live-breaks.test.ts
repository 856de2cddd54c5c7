import { rmSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Api } from '../../functions/http/api.ts'
import { between, createRandom, pick } from '../../infra/local/chaos/random.ts'
import { startStack } from '../../infra/local/stack.ts'
import { type Client, createClient } from '../../lib/client/client.ts'
import { fixed } from '../../lib/client/credentials.ts'
import { follow, type LiveEvent } from '../../lib/client/live.ts'
import { stackFolder } from '../support/stack-folder.ts'

// `npm start`, and somebody who follows their jobs while the broker and the host are killed under them.

// Nothing is measured here: it may take as long as a busy machine needs.
vi.setConfig({ testTimeout: 600_000 })

const PATIENCE = { timeout: 300_000, interval: 100 }
const ROUNDS = 6
const JOBS_PER_ROUND = 4
const VICTIMS = ['kafka', 'host', 'both'] as const

const startOn = async (dataDir: string) => {
  const stack = await startStack({ dataDir })
  onTestFinished(async () => {
    await stack.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })
  return stack
}

/** Asks until it is answered: a host that was killed may or may not have received the request. */
const untilAnswered = async <T>(ask: () => Promise<T>): Promise<T> => {
  let answer: { value: T } | undefined
  await vi.waitUntil(async () => {
    answer = await ask().then(
      (value) => ({ value }),
      () => undefined,
    )
    return answer !== undefined
  }, PATIENCE)
  return (answer as { value: T }).value
}

const submit = (client: Client<Api>, name: string): Promise<string> =>
  untilAnswered(async () => {
    const body = { kind: 'debug.noop', input: { steps: 6, stepMs: 150 }, name }
    return (await client.call('POST /jobs', { body, idempotencyKey: name })).job.id
  })

const seqsOf = async (client: Client<Api>, jobId: string): Promise<number[]> => {
  const seqs: number[] = []
  for await (const { seq } of client.each('GET /jobs/{jobId}/events', { params: { jobId } })) seqs.push(seq)
  return seqs
}

test('broker and host that are killed at random while jobs run hide nothing from a listener, and tell nothing twice', async () => {
  const seed = Date.now() % 1_000_000
  const random = createRandom(seed)
  const stack = await startOn(stackFolder('live-breaks'))
  const nobody = createClient<Api>({ baseUrl: stack.url })
  const registered = await nobody.call('POST /auth/register', {
    body: { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' },
  })
  const client = createClient<Api>({ baseUrl: stack.url, credentials: fixed(registered.accessToken) })
  const heard: LiveEvent[] = []
  const following = follow({
    ticket: () => client.call('POST /live/tickets'),
    missed: (after) => client.call('GET /live/events', { query: { after } }),
    onEvents: (events) => void heard.push(...events),
    times: { checkMs: 3_000, maxBackoffMs: 2_000 },
  })
  onTestFinished(() => following.stop())
  await following.ready

  const pidOf = (name: string) => stack.run().find((it) => it.name === name)?.pid
  const kill = async (name: string): Promise<void> => {
    await vi.waitUntil(() => pidOf(name) !== undefined, PATIENCE)
    const pid = pidOf(name) as number
    process.kill(pid, 'SIGKILL')
    await vi.waitUntil(() => (pidOf(name) ?? pid) !== pid, PATIENCE)
  }
  const ids: string[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    // Somewhere in what these jobs tell: each has at least three events, and some are heard before all are submitted.
    const moment = heard.length + between(random, 0, JOBS_PER_ROUND * 2)
    const names = Array.from({ length: JOBS_PER_ROUND }, (_, nth) => `${round}.${nth}`)
    ids.push(...(await Promise.all(names.map((name) => submit(client, name)))))
    await vi.waitUntil(() => heard.length >= moment, PATIENCE)
    const victim = pick(random, VICTIMS)
    await Promise.all((victim === 'both' ? ['kafka', 'host'] : [victim]).map(kill))
  }

  const ended = () => new Set(heard.filter(({ type }) => type === 'job.succeeded').map(({ jobId }) => jobId))
  await vi.waitUntil(() => ids.every((id) => ended().has(id)), PATIENCE).catch(() => {})
  const told = Object.fromEntries(ids.map((id) => [id, heard.filter((it) => it.jobId === id).map((it) => it.seq)]))
  const happened: Record<string, number[]> = {}
  for (const id of ids) happened[id] = await untilAnswered(() => seqsOf(client, id))
  expect(told, `seed ${seed}, ${following.state}\n${stack.printed()}`).toEqual(happened)
})
