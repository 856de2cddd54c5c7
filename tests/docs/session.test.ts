import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Stack, startStack } from '../../infra/local/stack.ts'
import { stackFolder } from '../support/stack-folder.ts'
import { blocksOf, documents, root } from './markdown.ts'
import { follow, openShell, type Shell, stepsOf } from './shell.ts'

// What README.md shows, and the pages of the API, the kinds, Thrift, accounts, live events and coming from another queue,
// typed into a shell while `npm start` runs.

const run = promisify(execFile)

const LONG = { timeout: 180_000 }

let folder: string
let stack: Stack

beforeAll(async () => {
  folder = stackFolder('session')
  stack = await startStack({ dataDir: join(folder, 'data'), env: { WEB_ALLOWED_HOSTS: 'localhost' } })
})

afterAll(async () => {
  await stack?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A shell of a reader, who has a photo. */
const openReader = async (name: string): Promise<Shell> => {
  const shell = await openShell(stack.url, join(folder, name))
  const photo = sharp({ create: { width: 1_200, height: 800, channels: 3, background: '#c03040' } })
  await photo.jpeg().toFile(join(shell.folder, 'photo.jpg'))
  return shell
}

/** @returns the access token of a new account */
const register = async (email: string): Promise<string> => {
  const registered = await fetch(`${stack.url}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: 'correct horse battery', name: 'A reader' }),
  })
  return ((await registered.json()) as { accessToken: string }).accessToken
}

/** A file with code that a document says is run in the project's folder. */
const fileOf = (example: string): string => {
  const file = join(mkdtempSync(join(folder, 'example-')), 'example.ts')
  writeFileSync(file, example.replaceAll("'./", `'${root}`).replace('http://localhost:3000', stack.url))
  return file
}

test('the session in README.md goes as it is shown', LONG, async () => {
  const steps = stepsOf('README.md')
  expect(steps.filter(({ answer }) => answer)).toHaveLength(3)
  await follow(await openReader('readme'), steps)
})

test('the session in docs/api.md goes as it is shown, and makes a picture smaller', LONG, async () => {
  const shell = await openReader('api')
  await shell.type(`TOKEN=${await register('api@example.com')}`)
  const steps = stepsOf('docs/api.md')
  expect(steps.filter(({ answer }) => answer)).toHaveLength(4)
  await follow(shell, steps)
  const { width, height } = await sharp(join(shell.folder, 'small.jpg')).metadata()
  expect([width, height]).toEqual([300, 200])
})

test('the TypeScript in README.md runs as it is shown', LONG, async () => {
  const [example = '', ...others] = blocksOf('README.md').flatMap(({ language, file, text }) =>
    language === 'ts' && !file ? [text] : [],
  )
  expect(others).toEqual([])
  const TOKEN = await register('ts@example.com')
  const { stdout } = await run(process.execPath, [fileOf(example)], { env: { ...process.env, TOKEN } })
  expect(stdout).toMatch(/^succeeded \{\n.*digits: '3\.1415926535897932384626433832795028841971'/s)
})

const pages = documents.filter(
  (document) => document.startsWith('docs/kinds/') || ['docs/thrift.md', 'docs/coming-from.md'].includes(document),
)

test.for(pages)('the example in %s goes as it is shown', LONG, async (page) => {
  const steps = stepsOf(page)
  expect(steps.filter(({ answer }) => answer).length).toBeGreaterThan(0)
  const shell = await openReader(basename(page))
  await shell.type(`TOKEN=${await register(`${page.replaceAll(/\W/g, '-')}@example.com`)}`)
  await follow(shell, steps)
})

test('the token that docs/accounts.md finds in the mail confirms the email', LONG, async () => {
  const email = 'accounts@example.com'
  const TOKEN = await register(email)
  const shell = await openReader('accounts')
  symlinkSync(join(folder, 'data'), join(shell.folder, '.stint'))
  const mails = () =>
    readdirSync(join(folder, 'data/mail'))
      .filter((name) => name.endsWith('.eml'))
      .map((name) => readFileSync(join(folder, 'data/mail', name)))
  await expect.poll(() => mails().some((mail) => mail.includes(`To: ${email}`))).toBe(true)
  await shell.type(`TOKEN=${TOKEN}`)
  await follow(shell, stepsOf('docs/accounts.md'))
  const me = await fetch(`${stack.url}/auth/me`, { headers: { authorization: `Bearer ${TOKEN}` } })
  expect(await me.json()).toMatchObject({ user: { email, emailConfirmedAt: expect.any(String) } })
})

test('the TypeScript in docs/live.md hears of a job', LONG, async () => {
  const [example = ''] = blocksOf('docs/live.md').flatMap(({ language, text }) => (language === 'ts' ? [text] : []))
  const TOKEN = await register('live@example.com')
  const listener = spawn(process.execPath, [fileOf(example)], { env: { ...process.env, TOKEN } })
  onTestFinished(() => void listener.kill())
  let heard = ''
  for (const stream of [listener.stdout, listener.stderr]) stream.setEncoding('utf8').on('data', (it) => (heard += it))
  await expect.poll(() => heard).toMatch(/^live$/m)
  await fetch(`${stack.url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ kind: 'debug.noop', input: {} }),
  })
  await expect.poll(() => heard).toContain("type: 'job.succeeded'")
})

test('the TypeScript in docs/events.md reads what Kafka has of a job', LONG, async () => {
  const [example = ''] = blocksOf('docs/events.md').flatMap(({ language, text }) => (language === 'ts' ? [text] : []))
  const authorization = `Bearer ${await register('events@example.com')}`
  const submitted = await fetch(`${stack.url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ kind: 'debug.noop', input: {} }),
  })
  const { job } = (await submitted.json()) as { job: { id: string } }
  const file = fileOf(example)
  symlinkSync(join(folder, 'data'), join(dirname(file), '.stint'))
  const consumer = spawn(process.execPath, [file], { cwd: dirname(file) })
  onTestFinished(() => void consumer.kill())
  let read = ''
  for (const stream of [consumer.stdout, consumer.stderr]) stream.setEncoding('utf8').on('data', (it) => (read += it))
  await expect.poll(() => read).toContain(`${job.id} 3 job.succeeded { `)
})

test('what stands in for curl does what curl does', async () => {
  const health = await run(process.execPath, [
    join(root, 'tests/docs/curl.ts'),
    '-s',
    `${stack.url.replace('http://', '')}/health`,
    '-o',
    join(folder, 'health.json'),
  ])
  expect(health.stdout).toBe('')
  expect(JSON.parse(readFileSync(join(folder, 'health.json'), 'utf8'))).toMatchObject({ status: 'ok' })
})
