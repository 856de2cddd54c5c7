import { execFile, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test as plain } from 'vitest'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { test, type World } from '../../tests/support/world.ts'
import { changeCredentials, credentialsPath, readCredentials } from './credentials-file.ts'
import { run } from './program.ts'

/** Runs a command as a shell would, and tells what it printed. */
const stint = async (env: Record<string, string | undefined>, ...args: string[]) => {
  const [out, err]: [string[], string[]] = [[], []]
  const io = {
    env,
    out: (text: string) => void out.push(`${text}\n`),
    err: (text: string) => void err.push(`${text}\n`),
  }
  return { exitCode: await run(args, io), out: out.join(''), err: err.join('') }
}

const isAdmin = async ({ sql }: World, email: string): Promise<boolean> => {
  const [row] = await sql<[{ isAdmin: boolean }]>`SELECT is_admin FROM users WHERE email = ${email}`
  return row.isAdmin
}

plain('whatever prints something can print it as JSON', async () => {
  const { out } = await stint({}, '--help')
  const without: string[] = []
  const look = async (path: string[], help: string): Promise<void> => {
    const [, inner] = help.split('Commands:\n')
    if (inner === undefined && !help.includes('--json')) without.push(path.join(' '))
    for (const [, name = ''] of inner?.matchAll(/^ {2}([a-z-]+)/gm) ?? [])
      if (name !== 'help') await look([...path, name], (await stint({}, ...path, name, '--help')).out)
  }
  await look([], out)
  // The shell is for people.
  expect(without).toEqual(['shell'])
})

describe('stint admin', () => {
  test('makes an admin, and unmakes one', async ({ world }) => {
    const { email } = await world.register('Ada')
    const { DATABASE_URL } = world.environment
    expect(await stint({ DATABASE_URL }, 'admin', 'add', email.toUpperCase())).toEqual({
      exitCode: 0,
      out: `Ada <${email}> is an admin.\n`,
      err: '',
    })
    expect(await isAdmin(world, email)).toBe(true)
    expect((await stint({ DATABASE_URL }, 'admin', 'remove', email)).out).toBe(
      `Ada <${email}> is no longer an admin.\n`,
    )
    expect(await isAdmin(world, email)).toBe(false)
    const json = await stint({ DATABASE_URL }, 'admin', 'remove', email, '--json')
    expect(JSON.parse(json.out)).toMatchObject({ email, name: 'Ada', isAdmin: false })
  })

  test('makes none of somebody whose email could be confirmed, and is not', async ({ world }) => {
    const { email } = await world.register('Ada')
    const { DATABASE_URL } = world.environment
    const env = { DATABASE_URL, SMTP_URL: 'smtp://mail.example.org', PUBLIC_URL: 'https://stint.example.org' }
    expect(await stint(env, 'admin', 'add', email)).toEqual({
      exitCode: 4,
      out: '',
      err: `No account with a confirmed email ${email}.\n`,
    })
    expect(await isAdmin(world, email)).toBe(false)
    await world.sql`UPDATE users SET email_confirmed_at = now()`
    expect((await stint(env, 'admin', 'add', email)).exitCode).toBe(0)
    await world.sql`UPDATE users SET email_confirmed_at = NULL`
    expect((await stint(env, 'admin', 'remove', email)).exitCode).toBe(0)
  })

  test('says when there is no such person', async ({ world }) => {
    const answer = await stint(world.environment, 'admin', 'add', 'nobody@example.com')
    expect(answer).toMatchObject({ exitCode: 4, err: 'No account with the email nobody@example.com.\n' })
  })
})

plain('stint logout takes its own session away, and none that another process has got meanwhile', async () => {
  const home = temporaryFolder()
  const path = credentialsPath({ HOME: home })
  const session = { email: 'ada@example.com', accessToken: 'a', refreshToken: 'r' }
  const signIn = (url: string, kept = session) =>
    changeCredentials(path, ({ sessions }) => ({ current: url, sessions: { ...sessions, [url]: kept } }))
  const elsewhere = 'https://stint.example.org'
  const api = createServer(async (_, response) => {
    await signIn(elsewhere, { ...session, refreshToken: 'exchanged' })
    response.writeHead(204).end()
  })
  onTestFinished(() => void api.close())
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  await signIn(elsewhere)
  await signIn(url)
  expect(await stint({ HOME: home, STINT_URL: url }, 'logout')).toMatchObject({ exitCode: 0, err: '' })
  const { sessions } = await readCredentials(path)
  expect(sessions).toEqual({ [elsewhere]: { ...session, refreshToken: 'exchanged' } })
})

describe('without a stage', () => {
  plain('says what to set or start', async () => {
    const answer = await stint({ STINT_DATA_DIR: '/nowhere' }, 'doctor')
    expect(answer).toMatchObject({ exitCode: 2, out: '' })
    expect(answer.err).toContain('DATABASE_URL is not set, and no stack runs on /nowhere')
  })

  plain('says what a stack that runs lacks just now', async () => {
    const dataDir = temporaryFolder()
    const supervisor = { name: 'supervisor', pid: process.pid, port: null }
    writeFileSync(join(dataDir, 'run.json'), JSON.stringify([supervisor, { name: 'sqs-s3', pid: 1, port: 1 }]))
    expect(await stint({ STINT_DATA_DIR: dataDir }, 'doctor')).toEqual({
      exitCode: 2,
      out: '',
      err: `The stack on ${dataDir} runs without postgres just now; where \`npm start\` runs it says why.\n`,
    })
  })

  plain('names what the configuration lacks', async () => {
    const answer = await stint({ DATABASE_URL: 'postgres://stint@127.0.0.1:1/stint' }, 'doctor')
    expect(answer).toMatchObject({ exitCode: 2 })
    expect(answer.err).toContain('SQS_QUEUE_URL_DEFAULT')
  })

  test('says what cannot be reached', async ({ world }) => {
    const without = async (variables: Record<string, string>) => stint({ ...world.environment, ...variables }, 'doctor')
    const noPostgres = await without({ DATABASE_URL: 'postgres://stint@127.0.0.1:1/stint' })
    expect(noPostgres).toMatchObject({ exitCode: 2, err: expect.stringContaining('Postgres cannot be reached') })
    const noSqs = await without({ SQS_ENDPOINT: 'http://127.0.0.1:1' })
    expect(noSqs).toMatchObject({ exitCode: 2, err: expect.stringContaining('SQS cannot be reached') })
    const noAdmin = await stint({ DATABASE_URL: 'postgres://stint@127.0.0.1:1/stint' }, 'admin', 'add', 'a@example.com')
    expect(noAdmin).toMatchObject({ exitCode: 2, err: expect.stringContaining('ECONNREFUSED') })
  })

  test('says in one line that the database refuses a user or has another name', async ({ world }) => {
    const wrong = async (change: (url: URL) => void) => {
      const url = new URL(world.environment['DATABASE_URL'] ?? '')
      change(url)
      return stint({ DATABASE_URL: url.href }, 'admin', 'add', 'a@example.com')
    }
    expect(await wrong((url) => (url.pathname = '/nowhere'))).toMatchObject({
      exitCode: 64,
      err: 'PostgreSQL refuses: database "nowhere" does not exist\n',
    })
    expect(await wrong((url) => (url.password = 'wrong'))).toMatchObject({
      exitCode: 64,
      err: expect.stringMatching(/^PostgreSQL refuses: password authentication failed for user "\w+"\n$/),
    })
  })
})

describe('used wrongly', () => {
  plain.for<[args: string[], why: string]>([
    [[], 'Usage: stint'],
    [['surgeon'], "unknown command 'surgeon'"],
    [['doctor', '--fast'], "unknown option '--fast'"],
    [['admin', 'add'], "missing required argument 'email'"],
    [['cancel', '--kind', 'math.pi'], 'Say which: ids, --tree, or --state'],
    [['jobs', '--limit', 'abc'], "'--limit <integer>' argument 'abc' is invalid. Expected a whole number from 1"],
    [['jobs', '--limit', '0'], "'--limit <integer>' argument '0' is invalid. Expected a whole number from 1"],
    [
      ['keys', 'create', 'x', '--expires-in-days', '9999'],
      "argument '9999' is invalid. Expected a whole number from 1 to",
    ],
  ])('%s', async ([args, why]) => {
    const answer = await stint({}, ...args)
    expect(answer.exitCode).toBe(64)
    expect(answer.err).toContain(why)
  })

  plain('and asked for help', async () => {
    const answer = await stint({}, 'doctor', '--help')
    expect(answer).toMatchObject({ exitCode: 0, err: '' })
    expect(answer.out).toContain('Exit codes: 0 healthy')
  })

  plain('and asked what any kind takes, or for its version', async () => {
    expect(await stint({}, 'submit', '--help')).toMatchObject({ exitCode: 0, out: expect.stringContaining('--watch') })
    expect((await stint({}, '--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('a shell that is set up wrongly', () => {
  /** A configuration folder whose credentials are this text. */
  const holding = (text: string): string => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'stint'))
    writeFileSync(join(folder, 'stint', 'credentials.json'), text)
    return folder
  }

  plain.for(['', '{', '{"sessions": []}'])('is told that %j are no credentials', async (text) => {
    const answer = await stint({ XDG_CONFIG_HOME: holding(text) }, 'jobs')
    expect(answer).toMatchObject({ exitCode: 64, out: '' })
    expect(answer.err).toMatch(/^\S+credentials\.json holds no credentials\. Move it away/)
  })

  plain('is told that a folder in their place holds none', async () => {
    const folder = holding('')
    const path = join(folder, 'stint', 'credentials.json')
    rmSync(path)
    mkdirSync(path)
    const answer = await stint({ XDG_CONFIG_HOME: folder }, 'jobs')
    expect(answer).toMatchObject({ exitCode: 64, err: expect.stringContaining(`${path} holds no credentials.`) })
  })

  plain('is told which file cannot be read, and which variable is wrong', async () => {
    const file = join(holding(''), 'stint', 'credentials.json')
    expect(await stint({ XDG_CONFIG_HOME: file }, 'jobs')).toMatchObject({
      exitCode: 64,
      err: `ENOTDIR: not a directory, open '${file}/stint/credentials.json'\n`,
    })
    const XDG_CONFIG_HOME = '/nowhere'
    const port = await stint({ XDG_CONFIG_HOME, PORT: 'abc' }, 'jobs')
    expect(port).toMatchObject({ exitCode: 64, err: expect.stringContaining('PORT: must be a number, not "abc"') })
    const url = await stint({ XDG_CONFIG_HOME, STINT_URL: 'localhost:3000' }, 'jobs')
    expect(url).toMatchObject({ exitCode: 64, err: expect.stringContaining('STINT_URL is not a URL') })
  })

  plain('is not shown the token that no header can have', async () => {
    const env = { STINT_URL: 'http://localhost:3000', STINT_TOKEN: 'stk_secret\nstk_secret' }
    const answer = await stint(env, 'jobs')
    expect(answer).toMatchObject({ exitCode: 64, err: expect.stringContaining('STINT_TOKEN is not a token') })
    expect(answer.err).not.toContain('secret')
  })
})

plain('Ctrl-C ends a command that waits for an answer', async () => {
  const interrupted = new AbortController()
  const silent = createServer(() => interrupted.abort())
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void silent.close().closeAllConnections())
  const env = { STINT_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`, STINT_TOKEN: 'x' }
  const io = { env, out: () => {}, err: () => {}, signal: interrupted.signal }
  expect(await run(['jobs'], io)).toBe(130)
})

plain.skipIf(!existsSync('/dev/full'))('says that what it prints into cannot be written', () => {
  const full = openSync('/dev/full', 'w')
  onTestFinished(() => closeSync(full))
  const { status, stderr } = spawnSync(process.execPath, ['infra/cli/stint.ts', '--help'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({
    status: 64,
    stderr: expect.stringContaining('The output cannot be written: ENOSPC'),
  })
})

plain('what a command has compiled is kept for the next one', async () => {
  const env = { ...process.env, NODE_COMPILE_CACHE: undefined, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' }
  const help = promisify(execFile)(process.execPath, ['infra/cli/stint.ts', '--help'], { env, maxBuffer: 10_000_000 })
  expect((await help).stderr).toMatch(/node_modules\/\.cache\/stint\/.*\/infra\/cli\/program\.ts/)
})
