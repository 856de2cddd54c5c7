import { openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, vi } from 'vitest'
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts'
import { test } from '../../../tests/support/world.ts'
import type { Worker } from './worker.ts'
import { createWorkerPool, type Death, type WorkerPool, type WorkerPoolOptions } from './worker-pool.ts'

const FUNCTION = fileURLToPath(new URL('../../../tests/support/sandbox-function.ts', import.meta.url))

const newPool = (environment: Record<string, string>, options: Partial<WorkerPoolOptions> = {}) => {
  const logs = temporaryFolder()
  const started: string[] = []
  const ended: { worker: Worker; death: Death | undefined }[] = []
  let commits = 0
  const committed = Promise.withResolvers<void>()
  const pool = createWorkerPool({
    functionName: 'worker-default',
    handlerFile: FUNCTION,
    exportName: 'handler',
    env: { ...process.env, ...environment, LOG_LEVEL: 'info' },
    openLog: (name) => openSync(join(logs, name), 'a'),
    onCommitted: () => {
      commits++
      committed.resolve()
    },
    onStarted: ({ name }) => void started.push(name),
    onEnded: (worker, death) => void ended.push({ worker, death }),
    size: 2,
    most: 50,
    timeoutMs: 30_000,
    ...options,
  })
  onTestFinished(() => pool.stop(0))
  return { pool, started, ended, commits: () => commits, committed: committed.promise, logs }
}

/** Has this many invocations run at the same time. @returns the processes that answered */
const answeredTogether = async (pool: WorkerPool, count: number): Promise<Set<number>> => {
  const folder = temporaryFolder()
  const answers = Array.from({ length: count }, () => pool.invoke({ do: 'answer-together', folder }))
  await expect.poll(() => readdirSync(folder).length).toBe(count)
  writeFileSync(join(folder, 'all'), '')
  return new Set((await Promise.all(answers)).map((answer) => (answer as Answer).pid))
}

type Answer = { functionName: string; pid: number; remainingMs: number }

test('an invocation is answered by a process of its own, which is kept for the next', async ({ world }) => {
  const { pool, started } = newPool(world.environment)
  const first = (await pool.invoke({ do: 'answer' })) as Answer
  const second = (await pool.invoke({ do: 'answer' })) as Answer
  expect(first).toMatchObject({ functionName: 'worker-default' })
  expect(first.pid).not.toBe(process.pid)
  expect(first.remainingMs).toBeGreaterThan(0)
  expect(first.remainingMs).toBeLessThanOrEqual(30_000)
  expect(second.pid).toBe(first.pid)
  expect(started).toEqual(['worker-default-1'])
})

test('invocations at the same time get a process each', async ({ world }) => {
  const { pool, started } = newPool(world.environment)
  expect(await answeredTogether(pool, 2)).toHaveProperty('size', 2)
  expect(started).toEqual(['worker-default-1', 'worker-default-2'])
})

test('an invocation that has no process yet takes the first that is free, and not the one that is started for it', async ({
  world,
}) => {
  const started: string[] = []
  // The one that is started for it never comes to be ready: it stands still.
  const onStarted = ({ name, pid }: Worker): void => {
    if (started.push(name) > 1) process.kill(pid, 'SIGSTOP')
  }
  const { pool } = newPool(world.environment, { onStarted })
  const { pid } = (await pool.invoke({ do: 'answer' })) as Answer
  const answers = await Promise.all([pool.invoke({ do: 'answer' }), pool.invoke({ do: 'answer' })])
  expect(answers).toMatchObject([{ pid }, { pid }])
  expect(started).toEqual(['worker-default-1', 'worker-default-2'])
})

test('a process can be started before it is needed', async ({ world }) => {
  const { pool, started } = newPool(world.environment)
  await pool.warm()
  await pool.invoke({ do: 'answer' })
  expect(started).toEqual(['worker-default-1'])
})

test('a function that throws fails its invocation, and its process goes on', async ({ world }) => {
  const { pool, ended, started, logs } = newPool(world.environment)
  await expect(pool.invoke({ do: 'throw' })).rejects.toThrow('as it was told')
  await pool.invoke({ do: 'answer' })
  expect(ended).toEqual([])
  expect(started).toEqual(['worker-default-1'])
  await expect.poll(() => readFileSync(join(logs, 'worker-default-1'), 'utf8')).toContain('as it was told')
})

test('what a job’s own code sends over the process’s channel is none of its host’s business', async ({ world }) => {
  const { pool, ended } = newPool(world.environment)
  expect(await pool.invoke({ do: 'say-nothing' })).toBe('said')
  await pool.invoke({ do: 'answer' })
  expect(ended).toEqual([])
})

test('a process that is killed fails its invocation and is replaced at once; its leases can be found', async ({
  world,
}) => {
  const { pool, ended } = newPool(world.environment)
  const { pid } = (await pool.invoke({ do: 'answer' })) as Answer
  const failed = expect(pool.invoke({ do: 'hang' })).rejects.toThrow('worker-default-1 ended with SIGKILL')
  process.kill(pid, 'SIGKILL')
  await failed
  const [{ worker, death } = {}] = ended
  expect(worker?.instance).toMatch(/^worker-default-1-[0-9a-f-]{36}$/)
  expect(death).toMatchObject({ code: null, signal: 'SIGKILL' })
  expect((await death?.replaced)?.name).toBe('worker-default-1')
  expect(((await pool.invoke({ do: 'answer' })) as Answer).pid).not.toBe(pid)
})

test('a process that could not be started says why to whoever waits for it, and is started again', async ({
  world,
}) => {
  const { execPath } = process
  onTestFinished(() => {
    process.execPath = execPath
  })
  const { pool, ended } = newPool(world.environment)
  process.execPath = '/nowhere/node'
  await expect(pool.invoke({ do: 'answer' })).rejects.toThrow('worker-default-1 ended with spawn /nowhere/node ENOENT')
  process.execPath = execPath
  expect(ended[0]?.death?.failure).toMatchObject({ code: 'ENOENT' })
  expect((await ended[0]?.death?.replaced)?.name).toBe('worker-default-1')
})

test('while all processes are busy there is one more, which takes the place of one that dies', async ({ world }) => {
  const { pool, started } = newPool(world.environment, { size: 1, reserveAfterMs: 0 })
  const { pid } = (await pool.invoke({ do: 'answer' })) as Answer
  const failed = expect(pool.invoke({ do: 'hang' })).rejects.toThrow('worker-default-1 ended with SIGKILL')
  await expect.poll(() => started).toEqual(['worker-default-1', 'worker-default-2'])
  process.kill(pid, 'SIGKILL')
  await failed
  const successor = (await pool.invoke({ do: 'answer' })) as Answer
  expect(successor.pid).not.toBe(pid)
  await expect.poll(() => started).toEqual(['worker-default-1', 'worker-default-2', 'worker-default-1'])
})

test('a pool that is not busy has none in reserve', async ({ world }) => {
  const { pool, started } = newPool(world.environment, { reserveAfterMs: 1_000 })
  await pool.warm()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  await pool.invoke({ do: 'answer' })
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(1_000)
  expect(started).toEqual(['worker-default-1'])
})

test('processes that nobody needed for five minutes are ended, but for one', async ({ world }) => {
  let clock = 0
  const { pool, started, ended } = newPool(world.environment, { size: 3, reserveAfterMs: 600_000, now: () => clock })
  expect(await answeredTogether(pool, 3)).toHaveProperty('size', 3)
  clock = 299_999
  pool.endSurplus()
  // Of those that idle it is the one that was needed last.
  const { pid } = (await pool.invoke({ do: 'answer' })) as Answer
  expect(ended).toEqual([])
  clock = 300_000
  pool.endSurplus()
  await expect.poll(() => ended.map(({ death }) => death)).toEqual([undefined, undefined])
  expect(await Promise.all(ended.map(({ worker }) => worker.exited))).toEqual([
    { code: 0, signal: null },
    { code: 0, signal: null },
  ])
  clock = 900_000
  pool.endSurplus()
  expect(await pool.invoke({ do: 'answer' })).toMatchObject({ pid })
  expect([started.length, ended.length]).toEqual([3, 2])
})

test('a busy process is not ended, however long it takes, nor the one in reserve, which would be started anew', async ({
  world,
}) => {
  let clock = 0
  const { pool, started, ended } = newPool(world.environment, { size: 1, reserveAfterMs: 0, now: () => clock })
  const answer = pool.invoke({ do: 'await-stop' })
  await expect.poll(() => started).toEqual(['worker-default-1', 'worker-default-2'])
  clock = 3_600_000
  pool.endSurplus()
  await pool.stop(20_000)
  expect(await answer).toBe('stopped')
  expect(ended).toHaveLength(2)
})

test('a process that is let go and has not ended yet takes no invocation', async ({ world }) => {
  let clock = 0
  const { pool, started } = newPool(world.environment, { size: 2, reserveAfterMs: 600_000, now: () => clock })
  await answeredTogether(pool, 2)
  clock = 300_000
  pool.endSurplus()
  await answeredTogether(pool, 2)
  expect(started).toHaveLength(3)
})

test('a process that stands still amid its invocation does not count until it goes on, nor one that idles', async ({
  world,
}) => {
  const { pool } = newPool(world.environment)
  const pids = await answeredTogether(pool, 2)
  const answer = pool.invoke({ do: 'await-stop' })
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  await expect.poll(pool.countStill).toBe(1)
  for (const pid of pids) process.kill(pid, 'SIGCONT')
  await expect.poll(pool.countStill).toBe(0)
  await pool.stop(20_000)
  expect(await answer).toBe('stopped')
})

test('jobs that block their processes get others started in their place, but not without end', async ({ world }) => {
  const { pool } = newPool(world.environment, { most: 3 })
  const pids = await answeredTogether(pool, 2)
  const answers = [1, 2].map(() => pool.invoke({ do: 'await-stop' }))
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  await expect.poll(pool.countStill).toBe(2)
  expect(pool.atOnce()).toBe(3)
  for (const pid of pids) process.kill(pid, 'SIGCONT')
  await expect.poll(pool.countStill).toBe(0)
  expect(pool.atOnce()).toBe(2)
  await pool.stop(20_000)
  expect(await Promise.all(answers)).toEqual(['stopped', 'stopped'])
})

test('a function that ends its own process fails its invocation, too', async ({ world }) => {
  const { pool, ended } = newPool(world.environment)
  await expect(pool.invoke({ do: 'exit' })).rejects.toThrow('worker-default-1 ended with exit code 70')
  expect(ended[0]?.death).toMatchObject({ code: 70 })
})

test('a function that takes longer than its time is killed, as on Lambda', async ({ world }) => {
  const { pool, ended } = newPool(world.environment, { timeoutMs: 2_000 })
  await expect(pool.invoke({ do: 'hang' })).rejects.toThrow('longer than 2 s')
  await expect.poll(() => ended[0]?.death?.signal).toBe('SIGKILL')
  await expect.poll(() => pool.invoke({ do: 'answer' })).toMatchObject({ functionName: 'worker-default' })
})

test('a function that cannot be loaded fails its invocations, and says so before it is ready', async ({ world }) => {
  const { pool, ended, logs } = newPool(world.environment, { exportName: 'nothing', size: 1 })
  await expect(pool.invoke({ do: 'answer' })).rejects.toThrow('worker-default-1 ended with exit code 1')
  await expect.poll(() => ended[0]?.worker.instance).toBeUndefined()
  expect(readFileSync(join(logs, 'worker-default-1'), 'utf8')).toContain('has no export nothing')
})

test('commits in a process reach the host, a burst of them once', async ({ world }) => {
  const { pool, committed, commits } = newPool(world.environment)
  await pool.invoke({ do: 'commit' })
  await committed
  expect(commits()).toBe(1)
})

test('stopping lets the running invocation come to its safe point', async ({ world }) => {
  const { pool, ended } = newPool(world.environment)
  await pool.invoke({ do: 'answer' })
  const answer = pool.invoke({ do: 'await-stop' })
  await pool.stop(20_000)
  expect(await answer).toBe('stopped')
  expect(ended.map(({ death }) => death)).toEqual([undefined])
})

test('stopping kills who doesn’t end within the grace', async ({ world }) => {
  const { pool } = newPool(world.environment)
  await pool.warm()
  const failed = expect(pool.invoke({ do: 'hang' })).rejects.toThrow('ended with SIGKILL')
  await pool.stop(50)
  await failed
})

test('what comes while the pool stops is refused: nobody would end a process that is started for it', async ({
  world,
}) => {
  const { pool, started } = newPool(world.environment)
  const stopped = pool.stop(0)
  await expect(pool.invoke({ do: 'answer' })).rejects.toMatchObject({ name: 'WorkerError' })
  await stopped
  expect(started).toEqual([])
})

test('a process that was just killed takes no invocation, although its end is not known yet', async ({ world }) => {
  const workers: Worker[] = []
  const { pool } = newPool(world.environment, { onStarted: (worker) => void workers.push(worker) })
  await pool.warm()
  workers[0]?.kill()
  expect(await pool.invoke({ do: 'answer' })).toMatchObject({ functionName: 'worker-default' })
})
