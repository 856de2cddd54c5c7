import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { isAlive } from './components/postgres-lock.ts'
import { readRunFile } from './supervisor/run-file.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const START = fileURLToPath(new URL('./start.mjs', import.meta.url))

const start = (dataDir: string) => {
  const env = { ...process.env, STINT_DATA_DIR: dataDir, PORT: '0' }
  const child = spawn(process.execPath, [START], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

// npm tells only the shell that it runs a script in, and the shell would end without telling anybody.
test('who ends npm start with SIGTERM ends the stack', { timeout: 120_000 }, async () => {
  const dataDir = temporaryFolder()
  const npm = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { ...process.env, STINT_DATA_DIR: dataDir, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  npm.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  await expect.poll(() => printed).toContain('Ctrl-C stops it')
  const pids = readRunFile(dataDir).map(({ pid }) => pid)
  expect(pids.length).toBeGreaterThan(4)
  npm.kill('SIGTERM')
  await once(npm, 'exit')
  await expect.poll(() => pids.filter(isAlive)).toEqual([])
  expect(printed).toContain('Stopped.')
})

test('npm start | head goes on when head has read enough', { timeout: 120_000 }, async () => {
  const dataDir = temporaryFolder()
  const child = start(dataDir)
  const [complaints, ended] = [text(child.stderr), once(child, 'exit')]
  await once(child.stdout, 'data')
  child.stdout.destroy()
  await expect.poll(() => readRunFile(dataDir).map(({ name }) => name)).toContain('host')
  child.kill('SIGTERM')
  expect([await ended, await complaints]).toEqual([[0, null], ''])
})

test('who stops it while it starts is not told that it runs', { timeout: 120_000 }, async () => {
  let printed = ''
  const stopEarly = async (): Promise<string> => {
    const child = start(temporaryFolder())
    const all = text(child.stdout)
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    printed = await all
    return printed
  }
  // Once more, if it ran before this process came to stop it.
  await expect.poll(stopEarly).not.toContain('Stint runs')
  expect(printed).toContain('Stopped.')
})

// In /proc nothing can be made, and what the system says of it has Node try for ever.
test.for(['/proc/x', 'a file'])('the data folder %s is refused', async (path) => {
  const made = join(temporaryFolder(), 'a file')
  await writeFile(made, '')
  const child = start(path.startsWith('/') ? path : made)
  const [complaints, ended] = [text(child.stderr), once(child, 'exit')]
  expect(await ended).toEqual([1, null])
  expect(await complaints).toMatch(
    /^The data folder .* cannot be used: E\w+: .*\nMake it a folder that you may write to/,
  )
})

test('a start that fails leaves nothing behind that looks like a run that was killed', async () => {
  const dataDir = temporaryFolder()
  await writeFile(join(dataDir, 'postgres'), 'not a folder')
  const child = start(dataDir)
  const [complaints, ended] = [text(child.stderr), once(child, 'exit')]
  expect(await ended).toEqual([1, null])
  expect(await complaints).toContain('postgres did not start')
  expect(readRunFile(dataDir)).toEqual([])
})
