import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import { expect, onTestFinished, vi } from 'vitest'
import { run } from '../../infra/cli/program.ts'
import { type LiveHost, startLiveHost } from '../support/live-host.ts'
import { work } from '../support/worker-run.ts'
import { test as worldTest } from '../support/world.ts'

const STINT = new URL('../../infra/cli/stint.ts', import.meta.url).pathname

interface Ended {
  exitCode: number
  out: string
  err: string
}

/** Somebody at a shell, with a configuration folder of their own. */
export interface Person {
  host: LiveHost
  config: string
  env: Record<string, string>
  /** Runs a command to its end, in this process: one of its own takes ten times as long. */
  stint(args: string[], options?: { env?: Record<string, string> }): Promise<Ended>
  /** Runs a command to its end as a process of its own, in the configuration folder. */
  process(args: string[], options?: { input?: string; env?: Record<string, string> }): Promise<Ended>
  start(args: string[]): ChildProcessWithoutNullStreams
}

/** vitest's `test`, with somebody at a shell, an API that they talk to, and workers that work until the test is over. */
export const test = worldTest.extend<{ ada: Person }>({
  ada: async ({ world }, use) => {
    const host = await startLiveHost(world)
    const config = mkdtempSync(join(tmpdir(), 'stint-cli-'))
    let isOver = false
    const working = (async () => {
      while (!isOver) {
        await work(host.app, 'default')
        await work(host.app, 'compute')
        await work(host.app, 'bulk')
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    await use(personOf(host, config))
    isOver = true
    await working
    await host.stop()
    rmSync(config, { recursive: true })
  },
})

export const PASSWORD = 'correct horse battery'

/** Makes an account for somebody and signs them in. */
export const register = async (person: Person, email = 'ada@example.com'): Promise<void> => {
  const done = await person.process(['register', '--email', email, '--name', 'Ada', '--password-stdin'], {
    input: `${PASSWORD}\n`,
  })
  expect(done).toMatchObject({ exitCode: 0, err: '' })
}

const personOf = (host: LiveHost, config: string): Person => {
  const env = { PATH: process.env['PATH'] ?? '', HOME: config, XDG_CONFIG_HOME: config, STINT_URL: host.url }
  const start = (args: string[], given: Record<string, string> = {}) =>
    spawn(process.execPath, [STINT, ...args], { cwd: config, env: { ...env, ...given }, stdio: 'pipe' })
  return {
    host,
    config,
    env,
    start,
    stint: async (args, { env: given = {} } = {}) => {
      const said = { out: '', err: '' }
      const say = (where: keyof typeof said) => (line: string) => {
        said[where] += `${line}\n`
      }
      const exitCode = await run(args, { env: { ...env, ...given }, out: say('out'), err: say('err') })
      return { exitCode, ...said }
    },
    process: async (args, { input = '', env: given = {} } = {}) => {
      const child = start(args, given)
      child.stdin.end(input)
      const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
      return { exitCode: child.exitCode ?? -1, out, err }
    },
  }
}

/** A pseudo terminal in which a command runs. */
export interface Screen {
  type(keys: string): void
  /** What was written so far, without colours and movements of the cursor. */
  text(): string
  until(what: string | RegExp): Promise<void>
  ended: Promise<number>
}

/** util-linux's `script` makes the terminal. */
export const openTerminal = ({ config, env }: Person, args: string[]): Screen => {
  const command = [process.execPath, STINT, ...args].map((it) => `'${it}'`).join(' ')
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: config,
    env: { ...env, TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: 'pipe',
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let written = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    written += chunk
  })
  const screenText = () => stripVTControlCharacters(written).replaceAll('\r', '')
  return {
    type: (keys) => void child.stdin.write(keys),
    text: screenText,
    until: async (what) => {
      const isThere = () => (typeof what === 'string' ? screenText().includes(what) : what.test(screenText()))
      await vi.waitUntil(isThere, { timeout: 60_000 }).catch(() => {
        throw new Error(`${what} was not shown, but\n${screenText()}`)
      })
    },
    ended: once(child, 'close').then(([code]) => code as number),
  }
}
