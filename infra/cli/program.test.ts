import { describe, expect, test as plain } from 'vitest'
import { test, type World } from '../../tests/support/world.ts'
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
    expect((await stint({ DATABASE_URL }, 'admin', 'remove', email)).out).toBe(`Ada <${email}> is no admin any more.\n`)
    expect(await isAdmin(world, email)).toBe(false)
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
    expect(answer).toMatchObject({ exitCode: 4, err: 'Nobody has registered with nobody@example.com.\n' })
  })
})

describe('without a stage', () => {
  plain('says what to set or start', async () => {
    const answer = await stint({ STINT_DATA_DIR: '/nowhere' }, 'doctor')
    expect(answer).toMatchObject({ exitCode: 2, out: '' })
    expect(answer.err).toContain('DATABASE_URL is not set, and no stack runs on /nowhere')
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
})

describe('used wrongly', () => {
  plain.for<[args: string[], why: string]>([
    [[], 'Usage: stint'],
    [['surgeon'], "unknown command 'surgeon'"],
    [['doctor', '--fast'], "unknown option '--fast'"],
    [['admin', 'add'], "missing required argument 'email'"],
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
})
