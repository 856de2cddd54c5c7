import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { acquireLock } from './lock.ts'

const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'stint-lock-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

/** Another process that takes the lock, tells whether it got it, and stays. */
const otherProcess = async (dataDir: string) => {
  const script = join(folder(), 'hold.mts')
  writeFileSync(
    script,
    `import { acquireLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
     process.send(acquireLock(${JSON.stringify(dataDir)}) !== undefined)
     process.on('disconnect', () => process.exit())
     setInterval(() => {}, 1_000)`,
  )
  const child = fork(script)
  const [taken] = await once(child, 'message')
  return { child, taken: taken as boolean }
}

test('a folder that another process has is refused, and free again when that process is killed', async () => {
  const dataDir = folder()
  const { child, taken } = await otherProcess(dataDir)
  expect(taken).toBe(true)
  expect(acquireLock(dataDir)).toBeUndefined()

  child.kill('SIGKILL')
  await once(child, 'exit')

  const lock = acquireLock(dataDir)
  expect(lock).toBeDefined()
  lock?.release()
})

test('a lock that is released can be taken by the next process', async () => {
  const dataDir = folder()
  acquireLock(dataDir)?.release()
  const { child, taken } = await otherProcess(dataDir)
  child.kill('SIGKILL')
  expect(taken).toBe(true)
})

test('the folder is made when it is missing', () => {
  const lock = acquireLock(join(folder(), 'deep', 'er'))
  expect(lock).toBeDefined()
  lock?.release()
})
