import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const LOG = JSON.stringify(new URL('./log.ts', import.meta.url).href)
const ofModule = (script: string): string[] => ['--input-type=module', '-e', script]

test('secrets that are logged by mistake are cut out, by themselves and in an object', async () => {
  const script = `
    import { createLog } from ${LOG}
    const log = createLog('info', 'careless')
    for (const name of ['password', 'refreshToken', 'accessToken', 'authorization'])
      log.info({ [name]: 'battery', body: { [name]: 'battery', email: 'ada@example.com' } }, name)`
  const { stdout } = await promisify(execFile)(process.execPath, ofModule(script))
  expect(stdout.trim().split('\n')).toHaveLength(4)
  expect(stdout).toContain('ada@example.com')
  expect(stdout).not.toContain('battery')
})

// /dev/full is a disk without room.
test.runIf(process.platform === 'linux')(
  'a process whose log finds no room goes on, and ends when it wants to',
  async () => {
    const script = `
    import { createLog } from ${LOG}
    const log = createLog('info', 'full')
    for (let line = 0; line < 3; line++) {
      log.info({ line }, 'a line')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    process.exit(7)`
    const child = spawn(process.execPath, ofModule(script), {
      stdio: ['ignore', openSync('/dev/full', 'a'), 'inherit'],
      timeout: 50_000,
      killSignal: 'SIGKILL',
    })
    expect(await once(child, 'exit')).toEqual([7, null])
  },
)
