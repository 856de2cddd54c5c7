import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { mathPi } from '../../functions/jobs/math-pi.ts'
import { type Stack, StackError, startStack } from '../../infra/local/stack.ts'
import { fromMessage } from '../../lib/events/cloud-event.ts'
import { readTopic } from '../support/kafka-reader.ts'
import { runKind } from '../support/run-kind.ts'
import { type Person, person } from '../support/stack-client.ts'
import { stackFolder } from '../support/stack-folder.ts'

// `npm start`, one of whose processes is killed in the middle of the work. Whatever it was, it comes back, and every job
// that was accepted ends well, with its events in Kafka.

// Nothing is measured here: it may take as long as a busy machine needs.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 300_000 })

const PATIENCE = { timeout: 600_000, interval: 200 }
const DIGITS = 60_000

let dataDir: string
let stack: Stack
let pi: string

beforeAll(async () => {
  dataDir = stackFolder('kill')
  stack = await startStack({ dataDir })
  const { result } = await runKind(mathPi, { input: { digits: DIGITS, method: 'chudnovsky' } })
  pi = (result as { digits: string }).digits
})

afterAll(async () => {
  await stack?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(stack.printed())
})

const pidOf = (name: string): number | undefined => stack.run().find((it) => it.name === name)?.pid

/** Kills a process, gives it no chance to prepare, and resolves when another one has its place. */
const kill = async (name: string): Promise<void> => {
  const pid = pidOf(name)
  if (pid === undefined) throw new Error(`${name} does not run`)
  process.kill(pid, 'SIGKILL')
  await vi.waitUntil(() => (pidOf(name) ?? pid) !== pid, PATIENCE)
}

/** Jobs of two queues that take some seconds, and small ones that wait behind them. */
const submitWork = async (ada: Person) => {
  await ada.addDeviceModel('0111')
  return Promise.all([
    ada.submit('math.pi', { digits: DIGITS, method: 'leibniz' }),
    ada.submit('math.pi', { digits: DIGITS, method: 'leibniz' }),
    ada.submit('serials.generate', { deviceModelCode: '0111', start: 0, count: 200_000 }),
    ...[1, 2, 3].map((n) =>
      ada.submit('serials.generate', { deviceModelCode: '0111', start: n * 1_000_000, count: 1_000 }),
    ),
  ])
}

/** Resolves when a long computation has begun, saved a safe point, and isn't over. @returns the job */
const midway = async (ada: Person, ids: string[]): Promise<string> => {
  const find = async () => {
    const jobs = await Promise.all(ids.map((id) => ada.job(id)))
    return jobs.find((job) => job.kind === 'math.pi' && job.state === 'running' && job.progress > 0)?.id
  }
  return vi.waitUntil(find, PATIENCE)
}

/** Submits small jobs, one after the other, until `over`. @returns those that were accepted */
const submitUntil = async (ada: Person, over: Promise<unknown>): Promise<string[]> => {
  const accepted: string[] = []
  let going = true
  const stopGoing = () => {
    going = false
  }
  over.then(stopGoing, stopGoing)
  for (let n = 0; going; n++) {
    const id = await ada.trySubmit('math.pi', { digits: 100 + n })
    if (id) accepted.push(id)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return accepted
}

const expectAllDone = async (ada: Person, ids: string[]): Promise<void> => {
  const states = async () => Promise.all(ids.map(async (id) => (await ada.job(id)).state))
  await expect.poll(states, PATIENCE).toEqual(ids.map(() => 'succeeded'))
  for (const id of ids) {
    const { kind, input, result } = await ada.job(id)
    if (kind === 'math.pi') expect(result.digits).toBe(pi.slice(0, input.digits + 2))
    if (kind === 'serials.generate') {
      expect(result.count).toBe(input.count)
      const last = input.start + input.count - 1
      expect(await storedBy(id)).toEqual({ count: input.count, first: input.start, last })
    }
  }
}

/** The rows that a job left: as many as from the first to the last number, since no number can be there twice. */
const storedBy = async (jobId: string) => {
  const password = readFileSync(join(dataDir, 'postgres/password'), 'utf8')
  const { port } = stack.run().find(({ name }) => name === 'postgres') ?? {}
  const sql = postgres(`postgres://stint:${password}@127.0.0.1:${port}/stint`, { max: 1 })
  const [row] = await sql`
    SELECT count(*)::integer, min(number)::integer AS first, max(number)::integer AS last
    FROM serial_numbers WHERE job_id = ${jobId}`
  await sql.end()
  return row
}

/** Every event of the jobs is in Kafka: per job from 1 to the latest, none missing. */
const expectEventsInKafka = async (ada: Person, ids: string[]): Promise<void> => {
  const expected = await Promise.all(ids.map(async (id) => `${id}: ${await ada.lastEvent(id)}`))
  const topic = 'stint.jobs.v1'
  const published = async () => {
    const address = stack.run().find(({ name }) => name === 'kafka')?.address
    if (!address) return []
    const seqs = new Map<string, Set<number>>()
    for (const { payload } of await readTopic(address, topic)) {
      const { subject, seq } = fromMessage(payload)
      seqs.set(subject, (seqs.get(subject) ?? new Set()).add(seq))
    }
    return ids.map((id) => {
      const seen = seqs.get(id) ?? new Set()
      let last = 0
      while (seen.has(last + 1)) last++
      return `${id}: ${last}`
    })
  }
  await expect.poll(published, PATIENCE).toEqual(expected)
}

/** What to kill, and a long computation that is midway. */
interface Victim {
  name: string
  running: string
}

/** The worker of a long computation, which stands still from now on: otherwise the job might end between this look and the kill. */
const holdWorker = async (ada: Person, ids: string[]): Promise<Victim> => {
  for (;;) {
    const running = await midway(ada, ids)
    const workerNow = async () => {
      const { worker, outcome } = (await ada.stintsOf(running)).at(-1)
      return outcome === null ? processOf(worker) : undefined
    }
    const name = await workerNow()
    const pid = name && pidOf(name)
    if (!pid) continue
    process.kill(pid, 'SIGSTOP')
    if ((await workerNow()) === name) return { name, running }
    process.kill(pid, 'SIGCONT')
  }
}

/** A worker's process without the id of its start. */
const processOf = (worker: string): string => worker.slice(0, -37)

/** Lets jobs run, kills a process while more come in, and sees that everything ends well. */
const survive = async (choose: (ada: Person, ids: string[]) => Promise<Victim>) => {
  const ada = await person(stack.url)
  const ids = await submitWork(ada)
  const { name, running } = await choose(ada, ids)
  const killed = kill(name)
  const more = await submitUntil(ada, killed)
  await killed
  await expectAllDone(ada, [...ids, ...more])
  await expectEventsInKafka(ada, [...ids, ...more])
  expect(stack.printed()).toContain(`${name} died (SIGKILL), started again in`)
  return { ada, running }
}

test('killing a worker loses no job: it goes on from its checkpoint, in another process', async () => {
  const { ada, running } = await survive(holdWorker)
  const stints = await ada.stintsOf(running)
  expect(stints.map(({ outcome }) => outcome)).toEqual(['crashed', 'succeeded'])
  expect(stints[1].worker).not.toBe(stints[0].worker)
  const message = `${processOf(stints[0].worker)} ended with SIGKILL`
  expect(stints[0].error).toEqual({ code: 'CRASHED', message })
})

test.for(['sqs-s3', 'kafka', 'postgres', 'host', 'schedules'])('killing %s loses no accepted job', async (name) => {
  await survive(async (ada, ids) => ({ name, running: await midway(ada, ids) }))
})

test('a second start on the same folder is refused, and harms nothing', async () => {
  const before = stack.run()
  const refused = startStack({ dataDir })
  await expect(refused).rejects.toThrow(StackError)
  await expect(refused).rejects.toThrow(`already running on ${dataDir} (process ${stack.pid}, ${stack.url})`)
  expect(stack.run()).toEqual(before)
  expect((await fetch(`${stack.url}/health`)).status).toBe(200)
})

test('a restart in order loses nothing', async () => {
  const ada = await person(stack.url)
  const ids = await submitWork(ada)
  await midway(ada, ids)
  await stack.stop()
  expect(stack.run()).toEqual([])
  stack = await startStack({ dataDir })
  ada.moveTo(stack.url)
  await expectAllDone(ada, ids)
  await expectEventsInKafka(ada, ids)
})

test('a start after the whole stack was killed loses nothing', async () => {
  const ada = await person(stack.url)
  const ids = await submitWork(ada)
  await midway(ada, ids)
  process.kill(stack.pid, 'SIGKILL')
  await stack.exited
  stack = await startStack({ dataDir })
  ada.moveTo(stack.url)
  await expectAllDone(ada, ids)
  await expectEventsInKafka(ada, ids)
})
