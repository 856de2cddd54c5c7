import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { getPriority } from 'node:os'
import { expect, onTestFinished } from 'vitest'
import { test } from '../../tests/support/world.ts'
import { commandOf } from './components/postgres-lock.ts'
import { threadsOf } from './niceness.ts'

const PATIENCE = { timeout: 60_000, interval: 50 }

/** A process that has one of the schedules, as a host has. */
const startHostOfSchedules = async (environment: Record<string, string>) => {
  const program = `
    import { startSchedules } from '${new URL('./schedules.ts', import.meta.url).href}'
    const schedules = startSchedules({
      env: process.env,
      openLog: () => 1,
      onStarted: (pid) => console.log('pid ' + pid),
      onEnded: () => {},
      onNotice: () => {},
      onRepublished: () => {},
    })
    process.on('SIGTERM', () => schedules.stop(20_000).then(() => process.exit(0)))`
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

test('one that is asked to stop gives its leases back', async ({ world }) => {
  const { stop } = await startHostOfSchedules(world.environment)
  const held = async () => (await world.sql`SELECT FROM runners WHERE lease_until > now()`).length
  await expect.poll(held, PATIENCE).toBeGreaterThan(2)
  await stop()
  expect(await held()).toBe(0)
})
