import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { changeCredentials, readCredentials } from './credentials-file.ts'

/** From here on, this process's clock stands so far ahead of the file system's. */
const standStillAhead = (ms: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms })
  onTestFinished(() => void vi.useRealTimers())
}

test('a command that is killed while it exchanges tokens holds up no other', async () => {
  const path = join(temporaryFolder(), 'credentials.json')
  const script = join(temporaryFolder(), 'exchange.mts')
  writeFileSync(
    script,
    `import { changeCredentials } from ${JSON.stringify(new URL('./credentials-file.ts', import.meta.url).href)}
     setInterval(() => {}, 1_000)
     await changeCredentials(${JSON.stringify(path)}, () => new Promise(() => process.send('exchanging')))`,
  )
  const child = fork(script)
  await once(child, 'message')
  child.kill('SIGKILL')
  await once(child, 'exit')
  standStillAhead(0)
  const changed = await changeCredentials(path, () => ({ current: 'http://localhost', sessions: {} }))
  expect(await readCredentials(path)).toEqual(changed)
})

test('an exchange that takes long is not overtaken: its refresh token would be spent twice', async () => {
  const path = join(temporaryFolder(), 'credentials.json')
  const [exchanging, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const order: string[] = []
  const change = (name: string, until?: Promise<void>) =>
    changeCredentials(path, async (kept) => {
      order.push(`${name} begins`)
      exchanging.resolve()
      await until
      order.push(`${name} ends`)
      return kept
    })
  const slow = change('slow', answered.promise)
  await exchanging.promise
  standStillAhead(3_600_000)
  const other = change('other')
  // Far more than it takes whoever may go ahead.
  await Promise.race([other, sleep(500)])
  answered.resolve()
  await Promise.all([slow, other])
  expect(order).toEqual(['slow begins', 'slow ends', 'other begins', 'other ends'])
})
