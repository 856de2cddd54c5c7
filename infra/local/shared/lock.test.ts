import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts'
import { acquireLock } from './lock.ts'

/** Another process that takes the lock and keeps nothing of it, tells whether it got it, collects garbage, and stays. */
const otherProcess = async (dataDir: string) => {
  const script = join(temporaryFolder(), 'hold.mts')
  writeFileSync(
    script,
    `import { acquireLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
     const taken = acquireLock(${JSON.stringify(dataDir)}) !== undefined
     await new Promise((resolve) => setTimeout(resolve, 0))
     globalThis.gc()
     process.send(taken)
     process.on('disconnect', () => process.exit())
     setInterval(() => {}, 1_000)`,
  )
  const child = fork(script, { execArgv: ['--expose-gc'] })
  const [taken] = await once(child, 'message')
  return { child, taken: taken as boolean }
}

test('a folder that another process has is refused, and free again when that process is killed', async () => {
  const dataDir = temporaryFolder()
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
  const dataDir = temporaryFolder()
  acquireLock(dataDir)?.release()
  const { child, taken } = await otherProcess(dataDir)
  child.kill('SIGKILL')
  expect(taken).toBe(true)
})

test('the folder is made when it is missing', () => {
  const lock = acquireLock(join(temporaryFolder(), 'deep', 'er'))
  expect(lock).toBeDefined()
  lock?.release()
})
