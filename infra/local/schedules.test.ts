import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { getPriority } from 'node:os'
import { expect, onTestFinished } from 'vitest'
import { test } from '../../tests/support/world.ts'
import { commandOf } from './components/postgres-lock.ts'

const PATIENCE = { timeout: 60_000, interval: 50 }

/** A process that has one of the schedules, as a host has. */
const startHostOfSchedules = async (environment: Record<string, string>) => {
  const program = `
    import { startSchedules } from '${new URL('./schedules.ts', import.meta.url).href}'
    startSchedules({
      env: process.env,
      openLog: () => 1,
      onStarted: (pid) => console.log('pid ' + pid),
      onEnded: () => {},
      onNotice: () => {},
      onRepublished: () => {},
    })`
  const host = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, ...environment, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void host.kill('SIGKILL'))
  const [said] = await once(host.stdout, 'data')
  const pid = Number(/^pid (\d+)\n/.exec(String(said))?.[1])
  return { pid, kill: () => host.kill('SIGKILL') }
}

const isThere = (pid: number): boolean => commandOf(pid).some((word) => word.endsWith('schedules-process.ts'))

test('the process of the schedules is nice, and ends with a host that is killed', async ({ world }) => {
  const { pid, kill } = await startHostOfSchedules(world.environment)
  await expect.poll(() => getPriority(pid), PATIENCE).toBeGreaterThan(0)
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
