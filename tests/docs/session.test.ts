import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Stack, startStack } from '../../infra/local/stack.ts'
import { type Block, blocksOf, root } from './markdown.ts'

// The session under "Use it" in README.md, typed into a shell while `npm start` runs.

const run = promisify(execFile)

let folder: string
let stack: Stack

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stint-session-'))
  // As root, Postgres runs as another user, who has to get in.
  chmodSync(folder, 0o711)
  stack = await startStack({ dataDir: join(folder, 'data') })
  const photo = sharp({ create: { width: 1_200, height: 800, channels: 3, background: '#c03040' } })
  await photo.jpeg().toFile(join(folder, 'photo.jpg'))
  await provideCurl()
}, 120_000)

afterAll(async () => {
  await stack?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** Where there is no curl, something that understands the same. */
const provideCurl = async (): Promise<void> => {
  mkdirSync(join(folder, 'bin'))
  const there = await run('bash', ['-c', 'command -v curl']).then(
    () => true,
    () => false,
  )
  if (there) return
  const script = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'tests/docs/curl.ts')}' "$@"\n`
  writeFileSync(join(folder, 'bin/curl'), script, { mode: 0o755 })
}

/** Runs a block in a shell that knows what the blocks before it have set. @returns what it printed */
const type = async (text: string): Promise<string> => {
  const script = `set -a; [ -f variables ] && . ./variables; set -e -o pipefail\n${text}\nexport -p > variables`
  const path = [join(folder, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter)
  const shell = ['-c', script.replaceAll('localhost:3000', stack.url.replace('http://', ''))]
  const { stdout } = await run('bash', shell, { cwd: folder, env: { PATH: path } })
  return stdout
}

/** "A moment later", "when the job has ended". */
const untilJobsEnded = async (): Promise<void> => {
  const states = async () => {
    const list = await type('curl -s localhost:3000/jobs -H "authorization: Bearer $TOKEN"')
    return (JSON.parse(list) as { items: { state: string }[] }).items.map(({ state }) => state)
  }
  await expect.poll(states, { timeout: 60_000 }).not.toContain('queued')
  await expect.poll(states, { timeout: 60_000 }).not.toContain('running')
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** What an answer must be that is shown like this: the same, but ids, times and tokens are others each time. */
const like = (shown: unknown): unknown => {
  if (Array.isArray(shown)) return shown.map(like)
  if (typeof shown === 'object' && shown !== null)
    return expect.objectContaining(Object.fromEntries(Object.entries(shown).map(([name, it]) => [name, like(it)])))
  if (typeof shown !== 'string') return shown
  const pattern = [UUID, TIME].find((it) => it.test(shown))
  if (pattern) return expect.stringMatching(pattern)
  return shown.endsWith('…') ? expect.stringMatching(/^\S{40,}$/) : shown
}

/** The commands that talk to the API, each with the answer that is shown below it. */
const steps = (): { commands: string; answer: Block | undefined }[] => {
  const blocks = blocksOf('README.md')
  return blocks.flatMap(({ language, text }, index) => {
    if (language !== 'sh' || !text.includes('curl ')) return []
    const next = blocks[index + 1]
    return [{ commands: text, answer: next?.language === 'json' ? next : undefined }]
  })
}

test('the session in README.md goes as it is shown', async () => {
  const all = steps()
  expect(all.filter(({ answer }) => answer)).toHaveLength(4)
  for (const { commands, answer } of all) {
    if (/\bJOB=|\$JOB/.test(commands)) await untilJobsEnded()
    const printed = await type(commands)
    if (answer) expect(JSON.parse(printed), commands).toEqual(like(JSON.parse(answer.text)))
  }
  const { width, height } = await sharp(join(folder, 'small.jpg')).metadata()
  expect([width, height]).toEqual([300, 200])
}, 180_000)

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
