import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { isAlive } from './components/postgres-lock.ts'
import { readRunFile } from './run-file.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

// npm tells only the shell that it runs a script in, and the shell would end without telling anybody.
test('who ends npm start with SIGTERM ends the stack', { timeout: 120_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'stint-start-'))
  const npm = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { ...process.env, STINT_DATA_DIR: dataDir, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  npm.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  await vi.waitUntil(() => printed.includes('Ctrl-C stops it'), { timeout: 60_000 })
  const pids = readRunFile(dataDir).map(({ pid }) => pid)
  expect(pids.length).toBeGreaterThan(4)
  npm.kill('SIGTERM')
  await once(npm, 'exit')
  await vi.waitUntil(() => !pids.some(isAlive), { timeout: 20_000 })
  expect(printed).toContain('Stopped.')
  await rm(dataDir, { recursive: true })
})
