import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Stack, startStack } from '../../infra/local/stack.ts'
import { blocksOf, documents, root } from './markdown.ts'
import { follow, openShell, type Shell, stepsOf } from './shell.ts'

// What README.md, the pages of the kinds, of Thrift and for who comes from another queue show, typed into a shell while `npm start` runs.

const run = promisify(execFile)

const LONG = { timeout: 180_000 }

let folder: string
let stack: Stack

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stint-session-'))
  // As root, Postgres runs as another user, who has to get in.
  chmodSync(folder, 0o711)
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

test('the session in README.md goes as it is shown', LONG, async () => {
  const steps = stepsOf('README.md')
  expect(steps.filter(({ answer }) => answer)).toHaveLength(5)
  const shell = await openReader('readme')
  await follow(shell, steps)
  const { width, height } = await sharp(join(shell.folder, 'small.jpg')).metadata()
  expect([width, height]).toEqual([300, 200])
})

test('the TypeScript in README.md runs as it is shown', LONG, async () => {
  const [example = '', ...others] = blocksOf('README.md').flatMap(({ language, file, text }) =>
    language === 'ts' && !file ? [text] : [],
  )
  expect(others).toEqual([])
  const account = { email: 'ts@example.com', password: 'correct horse battery', name: 'A reader' }
  const registered = await fetch(`${stack.url}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  })
  const { accessToken } = (await registered.json()) as { accessToken: string }
  const file = join(folder, 'example.ts')
  writeFileSync(file, example.replaceAll("'./", `'${root}`).replace('http://localhost:3000', stack.url))
  const { stdout } = await run(process.execPath, [file], { env: { ...process.env, TOKEN: accessToken } })
  expect(stdout).toMatch(/^succeeded \{\n.*digits: '3\.1415926535897932384626433832795028841971'/s)
})

const pages = documents.filter(
  (document) => document.startsWith('docs/kinds/') || ['docs/thrift.md', 'docs/coming-from.md'].includes(document),
)

test.for(pages)('the example in %s goes as it is shown', LONG, async (page) => {
  const steps = stepsOf(page)
  expect(steps.filter(({ answer }) => answer).length).toBeGreaterThan(0)
  const shell = await openReader(basename(page))
  const email = `${page.replaceAll(/\W/g, '-')}@example.com`
  const registered = await fetch(`${stack.url}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: 'correct horse battery', name: 'A reader' }),
  })
  await shell.type(`TOKEN=${((await registered.json()) as { accessToken: string }).accessToken}`)
  await follow(shell, steps)
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
