import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import sharp from 'sharp'
import { describe, expect, onTestFinished, vi } from 'vitest'
import { addEnded } from '../support/ended-jobs.ts'
import { PASSWORD, type Person, register, test } from './person.ts'

// `stint` against a running API; as a process of its own where it reads input or files, or waits.

vi.setConfig({ testTimeout: 300_000 })

const idOf = ({ out }: { out: string }): string => out.slice(0, 36)
const credentials = ({ config }: Person) => join(config, 'stint', 'credentials.json')

test('register, whoami, logout, login; the tokens are in a file that nobody else may read', async ({ ada }) => {
  expect(await ada.process(['jobs'])).toMatchObject({ exitCode: 3, err: expect.stringContaining('Sign in first') })
  await register(ada)
  expect(statSync(credentials(ada)).mode & 0o777).toBe(0o600)
  expect((await ada.process(['whoami'])).out).toBe(`Ada <ada@example.com> at ${ada.host.url}\n`)
  expect((await ada.process(['logout'])).exitCode).toBe(0)
  expect(readFileSync(credentials(ada), 'utf8')).not.toContain('eyJ')
  expect((await ada.process(['whoami'])).exitCode).toBe(3)
  const wrong = await ada.process(['login', '--email', 'ada@example.com', '--password-stdin'], { input: 'wrong' })
  expect(wrong).toMatchObject({ exitCode: 3, out: '', err: 'Email or password is wrong\n' })
  const right = await ada.process(['login', '--email', 'ada@example.com', '--password-stdin'], { input: PASSWORD })
  expect(right.exitCode).toBe(0)
  expect(JSON.parse((await ada.process(['whoami', '--json'])).out)).toMatchObject({ email: 'ada@example.com' })
})

test('two processes that need another access token at once both get one', async ({ world, ada }) => {
  await register(ada)
  const kept = JSON.parse(readFileSync(credentials(ada), 'utf8'))
  kept.sessions[ada.host.url].accessToken = 'spent'
  writeFileSync(credentials(ada), JSON.stringify(kept))
  const all = await Promise.all(['whoami', 'jobs', 'projects', 'queues'].map((command) => ada.process([command])))
  expect(all.map(({ exitCode, err }) => [exitCode, err])).toEqual(all.map(() => [0, '']))
  expect((await ada.process(['whoami'])).exitCode).toBe(0)
  const [sessions] = await world.sql<[{ count: number }]>`SELECT count(*) FROM sessions WHERE revoked_at IS NULL`
  const [tokens] = await world.sql<[{ count: number }]>`SELECT count(*) FROM session_tokens`
  expect([sessions.count, tokens.count]).toEqual([1, 2])
})

test('jobs shows as many as are asked for, over as many pages as they take', async ({ world, ada }) => {
  await register(ada)
  const { id: projectId } = JSON.parse((await ada.stint(['projects', '--json'])).out)[0]
  const rare = await addEnded(world.sql, projectId, 130, { tag: 'rare' })
  await addEnded(world.sql, projectId, 20_000)
  const listed = async (...args: string[]): Promise<string[]> =>
    JSON.parse((await ada.stint(['jobs', '--json', ...args])).out).map((job: { id: string }) => job.id)
  expect(await listed('--tag', 'rare', '--limit', '120')).toEqual(rare.slice(-120).toReversed())
  expect(await listed('--tag', 'rare')).toEqual(rare.slice(-20).toReversed())
  expect(await listed('--tag', 'none')).toEqual([])
  expect(await listed('--finished-after', '2020-01-01T00:00:00Z', '--limit', '1')).toHaveLength(1)
  expect(await listed('--finished-before', '2020-01-01T00:00:00Z')).toEqual([])
  const counts = await ada.stint(['counts'])
  expect(counts.out).toMatch(/^queued +0\nrunning +0\nsucceeded +10000 or more\nfailed +0\n/m)
  const json = JSON.parse((await ada.stint(['counts', '--json', '--project-id', projectId])).out)
  expect(json).toMatchObject({ queued: 0, succeeded: 10_000, atLeast: ['succeeded'] })
  expect(await ada.stint(['jobs', '--limit', '0'])).toMatchObject({ exitCode: 64, out: '' })
})

describe('submit', () => {
  test('takes the kind’s fields as flags, shows progress, and ends as the job does', async ({ ada }) => {
    await register(ada)
    const flags = [
      '--steps',
      '4',
      '--step-ms',
      '100',
      '--echo',
      '{"a":[1]}',
      '--tags',
      'x',
      '--tags',
      'y',
      '--name',
      'Mine',
    ]
    const done = await ada.process(['submit', 'debug.noop', ...flags, '--watch'])
    expect(done).toMatchObject({ exitCode: 0, err: '' })
    expect(done.out).toMatch(/^\S{36} {2}debug\.noop {2}queued\n/)
    expect(done.out).toMatch(/Mine +100 % succeeded stint 1\n$/)
    const job = JSON.parse((await ada.stint(['job', idOf(done), '--json'])).out)
    expect(job).toMatchObject({ name: 'Mine', tags: ['x', 'y'], result: { steps: 4, echo: { a: [1] } } })
    expect((await ada.stint(['jobs', '--tag', 'y'])).out).toContain('debug.noop  succeeded  100 %')
    expect((await ada.stint(['jobs', '--tag', 'z'])).out).toBe('No matching jobs.\n')
  })

  test('says of one kind what it takes, as submit does', async ({ ada }) => {
    await register(ada)
    const told = await ada.stint(['kinds', 'math.pi'])
    expect(told).toMatchObject({ exitCode: 0, err: '' })
    expect(told.out).toBe((await ada.stint(['submit', 'math.pi', '--help'])).out)
    expect(told.out).toContain('--digits <integer>')
    const all = JSON.parse((await ada.stint(['kinds', 'math.pi', '--json'])).out)
    expect(all).toMatchObject([{ kind: 'math.pi' }])
    expect((await ada.stint(['kinds', 'math.pie'])).err).toContain('There is no kind math.pie. There are')
  })

  test('says when another job has the unique key, and takes its place if it shall', async ({ ada }) => {
    await register(ada)
    const flags = ['submit', 'debug.noop', '--delay-seconds', '600', '--unique-key', 'reindex']
    const first = await ada.stint([...flags, '--unique-for-seconds', '60'])
    expect(first).toMatchObject({ exitCode: 0, err: '' })
    const again = await ada.stint(flags)
    expect(again).toMatchObject({ exitCode: 0, err: 'Another job has the unique key: it is this one.\n' })
    expect(idOf(again)).toBe(idOf(first))
    const instead = await ada.stint([
      ...flags,
      '--on-duplicate',
      'replace',
      '--after',
      idOf(first),
      '--on-parent-failure',
      'run',
    ])
    expect(instead).toMatchObject({ exitCode: 0, err: '' })
    expect(JSON.parse((await ada.stint(['job', idOf(instead), '--json'])).out)).toMatchObject({
      onParentFailure: 'run',
    })
    expect(JSON.parse((await ada.stint(['job', idOf(first), '--json'])).out)).toMatchObject({ state: 'cancelled' })
  })

  test('shows where it threw, without what steers a terminal', async ({ world: { sql }, ada }) => {
    await register(ada)
    const id = idOf(await ada.stint(['submit', 'debug.noop', '--delay-seconds', '600']))
    const error = '{"code": "TypeError", "message": "no map"}'
    await sql`
      INSERT INTO stints (job_id, stint, attempt, started_at, run_ms, outcome, error, stack)
      VALUES (${id}, 1, 1, now(), 5, 'failed', ${error}::text::jsonb, ${'TypeError: no map\n    at a (lib/\u202Eb.ts:1:2)'})`
    await sql`
      UPDATE jobs SET state = 'failed', finished_at = now(), run_ms = 5, error = ${error}::text::jsonb WHERE id = ${id}`
    const { out } = await ada.stint(['job', id])
    expect(out).toMatch(/^ran +5 ms$/m)
    expect(out).toMatch(/^error +TypeError: no map$/m)
    expect(out).toMatch(/\n\nTypeError: no map\n {4}at a \(lib\/\uFFFDb\.ts:1:2\)\n$/)
  })

  test('says in words why it waits, and how long', async ({ ada }) => {
    await register(ada)
    const delayed = idOf(await ada.stint(['submit', 'debug.noop', '--delay-seconds', '7200']))
    const after = idOf(await ada.stint(['submit', 'debug.noop', '--after', delayed]))
    expect((await ada.stint(['job', delayed])).out).toMatch(/^waits +It is due in 2 h\.$/m)
    expect((await ada.stint(['job', after])).out).toMatch(/^waits +It runs after a job that has not ended\.$/m)
  })

  test('can be changed while it waits', async ({ ada }) => {
    await register(ada)
    const id = idOf(await ada.stint(['submit', 'debug.noop', '--delay-seconds', '600']))
    const flags = ['--run-at', '2100-01-01T00:00:00Z', '--priority', '-3', '--tags', 'a', 'b', '--name', 'Later']
    expect(await ada.stint(['change', id, ...flags])).toMatchObject({
      exitCode: 0,
      out: `${id} is queued, due 2100-01-01T00:00:00.000Z\n`,
    })
    const changed = JSON.parse((await ada.stint(['job', id, '--json'])).out)
    expect(changed).toMatchObject({ priority: -3, tags: ['a', 'b'], name: 'Later', maxAttempts: 3 })
    expect(await ada.stint(['change', id])).toMatchObject({ exitCode: 64, err: 'Say what to change: --help\n' })
    const wrong = await ada.stint(['change', id, '--priority', '11'])
    expect(wrong).toMatchObject({ exitCode: 4, err: expect.stringContaining('priority') })
    await ada.stint(['cancel', id])
    const late = await ada.stint(['change', id, '--delay-seconds', '0'])
    expect(late).toMatchObject({ exitCode: 4, err: expect.stringContaining('Its state is cancelled.') })
  })

  test('are cancelled by what they have in common, or by their ids', async ({ ada }) => {
    await register(ada)
    for (const tag of ['a', 'a', 'b'])
      await ada.stint(['submit', 'debug.noop', '--delay-seconds', '600', '--tags', tag])
    const done = await ada.stint(['cancel', '--state', 'queued', '--kind', 'debug.noop', '--tag', 'a'])
    expect(done).toMatchObject({ exitCode: 0, out: '2 cancelled\n', err: '' })
    const left = JSON.parse((await ada.stint(['jobs', '--state', 'queued', '--json'])).out)
    expect(left).toMatchObject([{ tags: ['b'] }])
    const tree = await ada.stint(['cancel', '--tree', left[0].id])
    expect(tree).toMatchObject({ exitCode: 0, out: '1 cancelled, or told to stop\n', err: '' })
    for (const wrong of [[], ['01a20610-c462-7693-9270-2c83469d56d3', '--state', 'queued']])
      expect(await ada.stint(['cancel', ...wrong])).toMatchObject({ exitCode: 64, out: '' })
  })

  test('gives another exit code when the job fails, and says why', async ({ world, ada }) => {
    await register(ada)
    const input = JSON.stringify({ fileId: '01a20610-c462-7693-9270-2c83469d56d3', sizes: [{ width: 5 }] })
    const done = await ada.process(['submit', 'image.resize', '--input', '-', '--watch'], { input })
    expect(done.exitCode).toBeGreaterThan(0)
    expect(`${done.out}${done.err}`).toMatch(/file/i)
    const { out } = await ada.stint(['submit', 'debug.noop', '--delay-seconds', '600'])
    const watching = ada.start(['watch', idOf({ out })])
    const [printed, closed] = [text(watching.stdout), once(watching, 'close')]
    await expect.poll(() => world.sql`SELECT FROM live_connections`).toHaveLength(1)
    expect((await ada.stint(['cancel', idOf({ out })])).out).toBe(`${idOf({ out })} is cancelled\n`)
    expect((await closed)[0]).toBe(1)
    expect(await printed).toContain('cancelled')
    expect((await ada.stint(['retry', idOf({ out })])).out).toBe(`${idOf({ out })} is queued\n`)
  })

  test('uploads a file for the job', async ({ ada }) => {
    await register(ada)
    const picture = sharp({ create: { width: 64, height: 32, channels: 3, background: '#c03040' } })
    await picture.png().toFile(join(ada.config, 'a.png'))
    const done = await ada.process(['submit', 'image.resize', '--file', 'a.png', '--sizes', '{"width":16}', '--watch'])
    expect(done).toMatchObject({ exitCode: 0, err: '' })
    const job = JSON.parse((await ada.stint(['job', idOf(done), '--json'])).out)
    expect(job.result.images[0]).toMatchObject({ width: 16, height: 8 })
    const none = await ada.process(['submit', 'image.resize', '--file', 'b.png'])
    expect(none).toMatchObject({ exitCode: 64, err: 'There is no file b.png\n' })
    const unfit = await ada.process(['submit', 'math.pi', '--file', 'a.png'])
    expect(unfit).toMatchObject({ exitCode: 64, err: '--file: math.pi takes no file\n' })
  })

  test('says what is wrong, with the field’s name', async ({ ada }) => {
    await register(ada)
    expect(await ada.stint(['submit', 'math.pi', '--digits', '0'])).toEqual({
      exitCode: 4,
      out: '',
      err: 'The request has invalid fields\n  input.digits: Too small: expected number to be >=1\n',
    })
    expect((await ada.stint(['submit', 'math.pi', '--digits', 'many'])).err).toContain('input.digits: ')
    expect((await ada.stint(['submit', 'math.pie'])).err).toContain('There is no kind math.pie. There are\n  math.pi\n')
    expect(await ada.stint(['submit', 'math.pi', '--base', '2'])).toMatchObject({ exitCode: 64 })
    expect((await ada.stint(['submit', 'math.pi', '--input', '[1]'])).exitCode).toBe(64)
    const noFile = await ada.stint(['submit', 'math.pi', '--input', '@job.json'])
    expect(noFile).toMatchObject({ exitCode: 64, err: expect.stringMatching(/^--input: job\.json cannot be read: /) })
    const high = await ada.stint(['submit', 'math.pi', '--digits', '5', '--priority', 'high'])
    expect(high).toMatchObject({ exitCode: 64, err: expect.stringContaining("'--priority <integer>' argument 'high'") })
    const help = await ada.stint(['submit', 'math.pi', '--help'])
    expect(help).toMatchObject({ exitCode: 0, err: '' })
    expect(help.out).toMatch(/--digits <integer> +How many digits .*\(needed, 1 to\n? *100000\)/)
    expect(help.out).toContain('--method <leibniz|chudnovsky>')
    expect((await ada.stint(['submit'])).exitCode).toBe(64)
    expect((await ada.stint(['submit', '--help'])).exitCode).toBe(0)
  })
})

test('watch --json gives a line for each event of the jobs that were named, and of no other', async ({ ada }) => {
  await register(ada)
  const submit = (delay: string) => ada.stint(['submit', 'debug.noop', '--steps', '2', '--delay-seconds', delay])
  const [one, two] = [idOf(await submit('5')), idOf(await submit('5'))]
  const { exitCode, out } = await ada.process(['watch', one, two, one, '--json'])
  expect(exitCode).toBe(0)
  const events = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(new Set(events.map((it) => it.jobId))).toEqual(new Set([one, two]))
  expect(events.filter((it) => it.type === 'job.succeeded')).toHaveLength(2)
  const never = '01a20610-c462-7693-9270-2c83469d56d3'
  expect((await ada.stint(['watch', never])).err).toBe('No such job\n')
  expect(await ada.stint(['watch', one, never])).toMatchObject({ exitCode: 4, err: `${never}: No such job\n` })
})

test('logs -f goes on when the API was away for a moment', async ({ ada }) => {
  await register(ada)
  const key = await ada.process(['keys', 'create', 'Reader', '--scope', 'jobs:read'])
  const submitted = await ada.process(['submit', 'debug.noop', '--delay-seconds', '600'])
  let asked = 0
  const flaky = createServer(async (request, response) => {
    asked++
    // The first look at the job and its log gets through; then it is away.
    if (asked === 3 || asked === 4) return void response.destroy()
    // It is there again: now the job may end.
    if (asked === 5) await ada.process(['cancel', idOf(submitted)])
    const authorization = request.headers.authorization ?? ''
    const answer = await fetch(`${ada.host.url}${request.url}`, { headers: { authorization } })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    response.end(await answer.text())
  })
  await once(flaky.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void flaky.close())
  const { port } = flaky.address() as AddressInfo
  const env = { STINT_TOKEN: key.out.trim(), STINT_URL: `http://127.0.0.1:${port}` }
  expect(await ada.stint(['logs', '-f', idOf(submitted)], { env })).toMatchObject({ exitCode: 0, err: '' })
  expect(asked).toBeGreaterThan(4)
})

test('logs -f goes on until the job has ended', async ({ world, ada }) => {
  await register(ada)
  const { out } = await ada.stint(['submit', 'debug.noop', '--steps', '3', '--step-ms', '500'])
  await world.sql`
    INSERT INTO job_logs (job_id, stint, level, message, data) VALUES (${idOf({ out })}, 1, 'warn', 'mind the step', '{"n":1}')`
  const logs = await ada.process(['logs', '-f', idOf({ out })])
  expect(logs).toMatchObject({ exitCode: 0, err: '' })
  expect(logs.out).toMatch(/^\S+Z {3}1 warn {2}mind the step \{"n":1\}\n/)
  expect((await ada.stint(['job', idOf({ out })])).out).toContain('succeeded')
})

test('what can be no id is said to be none, with how one looks', async ({ ada }) => {
  await register(ada)
  const told = 'Nothing has this id or name\n  jobId: expected an id, like 01a20610-c462-7693-9270-2c83469d56d5\n'
  expect(await ada.stint(['job', '123'])).toMatchObject({ exitCode: 4, out: '', err: told })
  expect(await ada.stint(['cancel', '123'])).toMatchObject({ exitCode: 4, out: '', err: `123: ${told}` })
  expect((await ada.stint(['queues', 'pause', 'huge'])).err).toMatch(/^Nothing has this id or name\n {2}queue: /)
})

test('a job that may expire says when, as long as it has not started', async ({ ada }) => {
  await register(ada)
  const time = '2100-01-01T00:00:00.000Z'
  const job = await ada.stint(['submit', 'debug.noop', '--delay-seconds', '600', '--expires-at', time])
  expect((await ada.stint(['job', idOf(job)])).out).toMatch(new RegExp(`^expires +${time}$`, 'm'))
  await ada.stint(['change', idOf(job), '--expires-in-seconds', '900'])
  expect((await ada.stint(['job', idOf(job)])).out).not.toContain(time)
  const refused = await ada.stint(['submit', 'debug.noop', '--delay-seconds', '600', '--expires-in-seconds', '60'])
  expect(refused.err).toContain('expiresInSeconds')
  expect(await ada.stint(['change', idOf(job), '--expires-at', 'never'])).toMatchObject({ exitCode: 0, err: '' })
  expect((await ada.stint(['job', idOf(job)])).out).not.toContain('expires')
})

test('a job that another submitted says which', async ({ world, ada }) => {
  await register(ada)
  const submit = () => ada.stint(['submit', 'debug.noop', '--delay-seconds', '600'])
  const [child, parent] = [await submit(), await submit()]
  expect((await ada.stint(['job', idOf(child)])).out).not.toContain('by job')
  await world.sql`UPDATE jobs SET submitted_by = ${idOf(parent)} WHERE id = ${idOf(child)}`
  expect((await ada.stint(['job', idOf(child)])).out).toMatch(new RegExp(`^by job +${idOf(parent)}$`, 'm'))
  expect(JSON.parse((await ada.stint(['job', idOf(child), '--json'])).out).submittedBy).toBe(idOf(parent))
  const listed = JSON.parse((await ada.stint(['jobs', '--submitted-by', idOf(parent), '--json'])).out)
  expect(listed.map((job: { id: string }) => job.id)).toEqual([idOf(child)])
  const cancelled = await ada.stint(['cancel', '--state', 'queued', '--submitted-by', idOf(parent)])
  expect(cancelled).toMatchObject({ exitCode: 0, out: '1 cancelled\n' })
  const waiting = JSON.parse((await ada.stint(['jobs', '--state', 'queued', '--json'])).out)
  expect(waiting.map((job: { id: string }) => job.id)).toEqual([idOf(parent)])
})

test('what strangers wrote cannot steer the terminal', async ({ world, ada }) => {
  await register(ada)
  const evil = '\x1b]52;c;cm0gLXJm\x07\x9b2J\r'
  const { out } = await ada.stint(['submit', 'debug.noop', '--name', `n${evil}`, '--echo', `"e${evil}"`, '--watch'])
  await ada.stint(['schedules', 'create', `s${evil}`, '30 2 * * *', 'debug.noop'])
  await ada.stint(['keys', 'create', `k${evil}`])
  await ada.stint(['projects', 'create', `p${evil}`])
  await world.sql`UPDATE users SET name = ${`u${evil}`}`
  await world.sql`UPDATE jobs SET state = 'failed', error = ${world.sql.json({ code: 'X', message: evil })}`
  await world.sql`
    INSERT INTO job_logs (job_id, stint, level, message, data)
    VALUES (${idOf({ out })}, 1, 'warn', ${`two\nlines${evil}`}, ${world.sql.json({ evil })})`
  const said: string[] = [out]
  for (const args of [['jobs'], ['job', idOf({ out })], ['logs', idOf({ out })], ['watch', idOf({ out })]])
    for (const json of [[], ['--json']]) said.push((await ada.stint([...args, ...json])).out)
  for (const args of [
    ['schedules'],
    ['keys'],
    ['projects'],
    ['projects', 'members'],
    ['whoami'],
    ['failures'],
    ['audit'],
  ])
    said.push((await ada.stint(args)).out)
  for (const text of said) expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  expect(said.join('')).toContain('two\nlines')
})

test('schedules, queues and projects are listed and changed', async ({ world, ada }) => {
  await register(ada)
  const created = await ada.stint([
    'schedules',
    'create',
    'Nightly',
    '30 2 * * *',
    'math.pi',
    '--input',
    '{"digits":5}',
    '--expires-in-seconds',
    '3600',
  ])
  expect(created.exitCode).toBe(0)
  const [listed] = JSON.parse((await ada.stint(['schedules', '--json'])).out)
  expect(listed).toMatchObject({ timeZone: 'UTC', expiresInSeconds: 3_600 })
  expect((await ada.stint(['schedules', 'pause', idOf(created)])).out).toBe('Nightly is paused.\n')
  expect((await ada.stint(['schedules'])).out).toMatch(/30 2 \* \* \* +UTC +math\.pi +paused +Nightly/)
  expect((await ada.stint(['schedules', 'resume', idOf(created)])).out).toContain('Nightly runs next at ')
  const changed = await ada.stint([
    ...['schedules', 'change', idOf(created), '--cron', '0 6 * * 1', '--tags', 'a', 'b', '--json'],
    ...['--expires-in-seconds', 'never', '--catch-up', 'all', '--priority', '-2', '--input', '{"digits":6}'],
  ])
  expect(JSON.parse(changed.out)).toMatchObject({
    ...{ name: 'Nightly', cron: '0 6 * * 1', tags: ['a', 'b'], catchUp: 'all', priority: -2, input: { digits: 6 } },
    expiresInSeconds: null,
  })
  const renamed = await ada.stint([
    'schedules',
    'change',
    idOf(created),
    '--name',
    'Weekly',
    '--expires-in-seconds',
    '9',
  ])
  expect(renamed.out).toContain('Weekly runs next at ')
  expect(JSON.parse((await ada.stint(['schedules', '--json'])).out)).toMatchObject([
    { expiresInSeconds: 9, priority: -2 },
  ])
  expect(await ada.stint(['schedules', 'change', idOf(created)])).toMatchObject({ exitCode: 64 })
  expect((await ada.stint(['schedules', 'delete', idOf(created)])).exitCode).toBe(0)
  expect((await ada.stint(['schedules'])).out).toBe('No schedules.\n')

  const project = await ada.stint(['projects', 'create', 'Team'])
  await world.register('Bob').then(({ email }) => ada.stint(['projects', 'invite', idOf(project), email]))
  expect((await ada.stint(['projects', 'members', idOf(project)])).out).toMatch(/viewer +bob-\S+ +Bob/)
  expect((await ada.stint(['projects'])).out).toContain('owner  Team')

  expect((await ada.stint(['queues', 'pause', 'compute'])).exitCode).toBe(4)
  await world.sql`UPDATE users SET is_admin = true WHERE name = 'Ada'`
  expect((await ada.stint(['queues', 'pause', 'compute'])).out).toContain('compute is paused')
  expect((await ada.stint(['queues'])).out).toMatch(/compute +0 +0 +0 +– +paused/)
  expect(JSON.parse((await ada.stint(['queues', 'resume', 'compute', '--json'])).out)).toMatchObject({ paused: false })
  expect((await ada.stint(['queues', 'redrive', 'compute'])).out).toBe('Failed jobs of compute that run again: 0.\n')
})

test('projects are renamed, left by members and deleted, and the audit log tells of it', async ({ world, ada }) => {
  await register(ada)
  const { email: bob } = await world.register('Bob')
  const project = await ada.stint(['projects', 'create', 'Team'])
  expect((await ada.stint(['projects', 'rename', idOf(project), 'Crew'])).out).toBe(`${idOf(project)}  Crew\n`)
  expect((await ada.stint(['projects', 'invite', idOf(project), bob, 'owner'])).out).toContain('> is an owner.')
  const remove = ['projects', 'remove', idOf(project)]
  expect(await ada.stint([...remove, 'eve@example.com'])).toMatchObject({ exitCode: 4 })
  expect((await ada.stint([...remove, bob.toUpperCase()])).out).toBe(`Bob <${bob}> is no longer a member.\n`)
  expect((await ada.stint(['projects', 'members', idOf(project)])).out).not.toContain(bob)
  const told = (await ada.stint(['audit', '--project-id', idOf(project)])).out
  expect(told.match(/(?<=Z {2})\S+/g)).toEqual(['member.remove', 'member.put', 'project.rename', 'project.create'])
  expect((await ada.stint(['projects', 'delete', idOf(project)])).out).toBe(`${idOf(project)} is deleted.\n`)
  expect((await ada.stint(['projects'])).out).not.toContain('Crew')
  expect(await ada.stint(['audit', '--everywhere'])).toMatchObject({ exitCode: 4 })
  await world.sql`UPDATE users SET is_admin = true WHERE name = 'Ada'`
  const everywhere = JSON.parse((await ada.stint(['audit', '--everywhere', '--limit', '1', '--json'])).out)
  expect(everywhere).toMatchObject([{ action: 'project.delete', target: idOf(project), userName: 'Ada' }])
})

test('failures are shown by cause, and in lists by their code; those that run by how long', async ({ world, ada }) => {
  await register(ada)
  expect(await ada.stint(['failures'])).toMatchObject({ exitCode: 0, out: 'No failures.\n', err: '' })
  expect((await ada.stint(['jobs'])).out).not.toContain('ERROR')
  const jobs = await Promise.all([1, 2].map(() => ada.stint(['submit', 'debug.noop', '--watch'])))
  const error = (nth: number) => world.sql.json({ code: 'CARD_DECLINED', message: `customer ${nth}:\n no money` })
  for (const [nth, job] of jobs.entries())
    await world.sql`UPDATE jobs SET state = 'failed', error = ${error(nth)} WHERE id = ${idOf(job)}`
  const { out } = await ada.stint(['failures', '--days', '1'])
  expect(out).toMatch(/^2 .* debug\.noop {2}CARD_DECLINED {2}customer #: no money$/m)
  expect(JSON.parse((await ada.stint(['failures', '--json'])).out)).toMatchObject([{ count: 2, kind: 'debug.noop' }])
  expect((await ada.stint(['jobs', '--state', 'failed'])).out).toMatch(/QUEUED +ERROR +NAME\n(.* CARD_DECLINED\n){2}$/)
  expect((await ada.stint(['job', idOf({ out: jobs[1]?.out ?? '' })])).out).toMatch(
    /^error +CARD_DECLINED: customer 1: no money$/m,
  )
  await world.sql`
    UPDATE jobs SET state = 'running', error = NULL, finished_at = NULL, lease_until = now(), stint_started_at = now()
    WHERE id = ${idOf({ out: jobs[1]?.out ?? '' })}`
  expect((await ada.stint(['jobs', '--state', 'running'])).out).toMatch(/QUEUED +RUNS FOR +NAME\n.* ago +\d+\.\d s\n$/)
})

test('keys are made for programs, used, listed and revoked', async ({ ada }) => {
  await register(ada)
  const made = await ada.stint(['keys', 'create', 'Robot', '--scope', 'jobs:write', '--expires-in-days', '30'])
  expect(made).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^stk_\S+\n$/), err: '' })
  const env = { STINT_TOKEN: made.out.trim() }
  expect((await ada.stint(['submit', 'debug.noop'], { env })).exitCode).toBe(0)
  expect(await ada.stint(['schedules'], { env })).toMatchObject({ exitCode: 4 })
  const [key, ...others] = JSON.parse((await ada.stint(['keys', '--json'])).out)
  expect(others).toEqual([])
  expect(key).toMatchObject({ name: 'Robot', scopes: ['jobs:write'], expiresAt: expect.any(String) })
  expect((await ada.stint(['keys'])).out).toMatch(/jobs:write {2}.+ {2}\d{4}-\d\d-\d\d {2}Robot\n$/)
  expect((await ada.stint(['keys', 'revoke', key.id])).out).toBe(`${key.id} is revoked.\n`)
  expect((await ada.stint(['keys'])).out).toBe('No keys.\n')
  expect(await ada.stint(['keys', 'revoke', key.id])).toMatchObject({ exitCode: 4 })
  const wrong = await ada.stint(['keys', 'create', 'Robot', '--scope', 'everything'])
  expect(wrong).toMatchObject({ exitCode: 64, err: expect.stringContaining('jobs:read, jobs:write') })
  expect((await ada.stint(['keys', 'create', 'Robot', '--expires-in-days', '0'])).exitCode).toBe(64)
})

test('a key watches the jobs that it may read, and is told when it may not', async ({ ada }) => {
  await register(ada)
  const keyWith = async (scope: string) => ({
    STINT_TOKEN: (await ada.stint(['keys', 'create', scope, '--scope', scope])).out.trim(),
  })
  const done = await ada.stint(['submit', 'debug.noop', '--watch'], { env: await keyWith('jobs:write') })
  expect(done).toMatchObject({ exitCode: 0, out: expect.stringMatching(/succeeded stint 1\n$/), err: '' })
  expect(await ada.stint(['watch', idOf(done)], { env: await keyWith('files:read') })).toMatchObject({
    exitCode: 4,
    err: expect.stringContaining('This needs an API key with the scope jobs:read.'),
  })
})

test('what cannot be reached has an exit code of its own', async ({ ada }) => {
  const away = { STINT_URL: 'http://127.0.0.1:9', STINT_TOKEN: 'x' }
  expect(await ada.process(['jobs'], { env: away })).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('GET /jobs was not answered'),
  })
  expect((await ada.stint(['watch', '01a20610-c261-73fa-ae02-ca29c6614cbc'], { env: away })).exitCode).toBe(2)
  expect(await ada.stint(['jobs'], { env: { STINT_TOKEN: 'x' } })).toMatchObject({
    exitCode: 3,
    err: expect.stringContaining('STINT_TOKEN is set, and is what was refused'),
  })
  expect(await ada.stint(['jobs'], { env: { STINT_URL: 'nonsense' } })).toMatchObject({ exitCode: 64 })
  expect(await ada.stint(['login'])).toMatchObject({
    exitCode: 64,
    err: '--email is needed where nobody can be asked.\n',
  })
  expect(await ada.stint(['shell'])).toMatchObject({ exitCode: 64 })
})
