import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { getPriority } from 'node:os'
import { expect, onTestFinished } from 'vitest'
import { insertJobs } from '../../../tests/support/engine.ts'
import { test } from '../../../tests/support/world.ts'
import { commandOf } from '../components/postgres-lock.ts'
import type { KafkaStarted } from '../host/host-protocol.ts'
import { readRoutingTable } from '../host/routing-table.ts'
import { threadsOf } from '../shared/niceness.ts'

const { schedules, streams } = readRoutingTable('serverless.yml')
const table = { schedules, streams }
const PATIENCE = { timeout: 60_000, interval: 50 }

/** A process that has one of the schedules, as a host has. */
const startHostOfSchedules = async (
  environment: Record<string, string>,
  newKafka?: KafkaStarted,
  { firstNode = process.execPath } = {},
) => {
  const program = `
    const node = process.execPath
    process.execPath = '${firstNode}'
    import { startSchedules } from '${new URL('./schedules.ts', import.meta.url).href}'
    const schedules = startSchedules({
      env: process.env,
      table: ${JSON.stringify(table)},
      newKafka: ${JSON.stringify(newKafka)},
      openLog: () => 1,
      onStarted: (pid) => console.log('pid ' + pid),
      onEnded: () => void (process.execPath = node),
      onNotice: () => {},
      onRepublished: () => {},
    })
    process.on('SIGTERM', () => schedules.stop(60_000).then(() => process.exit(0)))`
  const host = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, ...environment, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void host.kill('SIGKILL'))
  const [said] = await once(host.stdout, 'data')
  const pid = Number(/^pid (\d+)\n/.exec(String(said))?.[1])
  const stop = async () => {
    host.kill('SIGTERM')
    await once(host, 'exit')
  }
  return { pid, kill: () => host.kill('SIGKILL'), stop }
}

const isThere = (pid: number): boolean => commandOf(pid).some((word) => word.endsWith('schedules-process.ts'))

test('the process of the schedules is nice, and ends with a host that is killed', async ({ world }) => {
  const { pid, kill } = await startHostOfSchedules(world.environment)
  const lowestOfAll = () => Math.min(...threadsOf(pid).map(getPriority))
  await expect.poll(lowestOfAll, PATIENCE).toBeGreaterThan(0)
  expect(isThere(pid)).toBe(true)
  kill()
  await expect.poll(() => isThere(pid), PATIENCE).toBe(false)
})

test('so does one whose host is killed while it is loading', async ({ world }) => {
  const { pid, kill } = await startHostOfSchedules(world.environment)
  kill()
  expect(pid).toBeGreaterThan(0)
  await expect.poll(() => isThere(pid), PATIENCE).toBe(false)
})

test('one that could not be started is started again', async ({ world }) => {
  const { pid, stop } = await startHostOfSchedules(world.environment, undefined, { firstNode: '/nowhere/node' })
  expect(pid).toBeGreaterThan(0)
  await stop()
})

test('one that is asked to stop gives its leases back', async ({ world }) => {
  const { stop } = await startHostOfSchedules(world.environment)
  const held = async () => (await world.sql`SELECT FROM runners WHERE lease_until > now()`).length
  await expect.poll(held, PATIENCE).toBeGreaterThan(2)
  await stop()
  expect(await held()).toBe(0)
})

test('a Kafka that is new to it gets what was published before, and then what waits', async ({ world }) => {
  const [jobId = ''] = await insertJobs(world.app, [{}])
  await world.sql`DELETE FROM outbox`
  await world.sql`
    INSERT INTO events (job_id, project_id, seq, type) SELECT id, project_id, 2, 'job.started' FROM jobs`
  const [address = ''] = world.app.config.kafka.brokers
  const { stop } = await startHostOfSchedules(world.environment, { type: 'kafka', address, kafkaStart: 1 })
  const published = async () => (await world.events()).map((it) => it.id)
  await expect.poll(published, PATIENCE).toEqual([`${jobId}:1`, `${jobId}:2`])
  await stop()
  expect(await published()).toHaveLength(2)
})
