import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const addressOf = (file: string) => new URL(file, import.meta.url).href

/** A process that yields to others, and lives until the test is over. */
const startYielding = async (detached: boolean): Promise<number> => {
  const program = `
    import { createLog } from '${addressOf('../../lib/core/log.ts')}'
    import { yieldToOthers } from '${addressOf('./yield-to-others.ts')}'
    await yieldToOthers(7, createLog('debug', 'test'))
    console.log('yields')
    setInterval(() => {}, 1_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    detached,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const [said] = await once(child.stdout, 'data')
  expect(String(said)).toBe('yields\n')
  return child.pid ?? 0
}

const autogroupOf = (pid: number | 'self'): string => readFileSync(`/proc/${pid}/autogroup`, 'utf8')

test('a process that yields is nice', async () => {
  expect(getPriority(await startYielding(false))).toBe(7)
})

const hasAutogroups = (): boolean => {
  try {
    accessSync('/proc/self/autogroup', constants.W_OK)
    return true
  } catch {
    return false
  }
}

test.runIf(hasAutogroups())('its session is nice where it leads one, and only there', async () => {
  expect(autogroupOf(await startYielding(true))).toContain(' nice 7\n')
  const ours = autogroupOf('self')
  await startYielding(false)
  expect(autogroupOf('self')).toBe(ours)
})
