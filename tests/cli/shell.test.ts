import { execFileSync } from 'node:child_process'
import { describe, expect, vi } from 'vitest'
import type { World } from '../support/world.ts'
import { openTerminal, type Person, register, test } from './person.ts'

// `stint` in a terminal.

vi.setConfig({ testTimeout: 300_000 })

const hasScript = (): boolean => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
}
const canRun = hasScript() || process.env['CI'] !== undefined
if (!canRun) console.warn('Terminals are not tested: there is no `script` of util-linux (Debian: bsdutils)')

/** The shell of somebody who has just registered, once it hears of their jobs. */
const openShell = async ({ sql }: World, person: Person) => {
  await register(person)
  const screen = openTerminal(person, ['shell'])
  await screen.until('ada@example.com> ')
  await expect.poll(() => sql`SELECT FROM live_connections`).toHaveLength(1)
  return screen
}

describe.runIf(canRun)('the shell', () => {
  test('signs in, takes tasks, and says what happens to them while something is typed', async ({ ada }) => {
    const screen = openTerminal(ada, ['shell'])
    await screen.until('stint> ')
    screen.type('register\r')
    await screen.until('Email: ')
    screen.type('ada@example.com\r')
    await screen.until('Name: ')
    screen.type('Ada\r')
    await screen.until('Password: ')
    screen.type('correct horse battery\r')
    await screen.until('ada@example.com> ')
    expect(screen.text()).not.toContain('horse')

    screen.type('task debug.noop --steps 8 --step-ms 400 --name "my task"\r')
    await screen.until('“my task”')
    screen.type('hel')
    // The line that was begun stands below what was said, and goes on.
    await screen.until(/“my task” \w{6} has succeeded\nada@example\.com> hel$/)
    screen.type('p\r')
    await screen.until('clear the screen')
    screen.type('task math.pi --digits 0\r')
    await screen.until('input.digits: Too small')
    screen.type('nonsense\r')
    await screen.until("unknown command 'nonsense'")
    screen.type('task "open\r')
    await screen.until('A quote is open')
    // Ahead of the prompt, as pasted lines come.
    screen.type('cls\rwhoami\rexit\r')
    expect(await screen.ended).toBe(0)
  })

  test('goes on after a watch that Ctrl-C ended, and says then what happened meanwhile', async ({ world, ada }) => {
    const screen = await openShell(world, ada)
    screen.type('task debug.noop --delay-seconds 600 --watch\r')
    await screen.until(/0 % queued/)
    screen.type('\u0003')
    await screen.until(/ is queued\n[^>]*> $/)
    screen.type('whoami\r')
    await screen.until('Ada <ada@example.com>')
    screen.type('exit\r')
    expect(await screen.ended).toBe(0)
  })

  test('hears nothing of others, and goes on after a break', async ({ world, ada }) => {
    const bob = await world.register('Bob')
    const screen = await openShell(world, ada)
    const theirs = { kind: 'debug.noop', input: {}, name: 'theirs' }
    await world.http('POST', '/jobs', { token: bob.accessToken, body: theirs })
    const breakConnections = () => {
      for (const { socket } of ada.host.connections.all()) socket.terminate()
    }
    breakConnections()
    await ada.stint(['submit', 'debug.noop', '--name', 'elsewhere'])
    await screen.until(/“elsewhere” \w{6} has succeeded/)
    const isSaid = () => screen.text().includes('connected again')
    // Once more: a connection that breaks before the shell has caught up is none that it had.
    await vi.waitUntil(() => isSaid() || breakConnections(), { timeout: 60_000, interval: 5_000 })
    expect(screen.text()).not.toContain('theirs')
    screen.type('\u0004')
    expect(await screen.ended).toBe(0)
  })

  test('watch draws bars that stand still, and Ctrl-C ends it', async ({ ada }) => {
    await register(ada)
    const screen = openTerminal(ada, ['submit', 'debug.noop', '--steps', '3', '--step-ms', '300', '--watch'])
    await screen.until(/█+ 100 % succeeded stint 1/)
    expect(await screen.ended).toBe(0)
    const waiting = openTerminal(ada, ['submit', 'debug.noop', '--delay-seconds', '600', '--watch'])
    await waiting.until(/0 % queued/)
    waiting.type('\u0003')
    expect(await waiting.ended).toBe(130)
  })
})
