import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { expect, test } from 'vitest'

// /dev/full is a disk without room.
test.runIf(process.platform === 'linux')(
  'a process whose log finds no room goes on, and ends when it wants to',
  async () => {
    const script = `
    import { createLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)}
    const log = createLog('info', 'full')
    for (let line = 0; line < 3; line++) {
      log.info({ line }, 'a line')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    process.exit(7)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', openSync('/dev/full', 'a'), 'inherit'],
      timeout: 50_000,
      killSignal: 'SIGKILL',
    })
    expect(await once(child, 'exit')).toEqual([7, null])
  },
)
