import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { type Block, blocksOf, root } from './markdown.ts'

const run = promisify(execFile)

/** A shell into which a reader types what a document shows, while `npm start` runs. */
export interface Shell {
  folder: string
  /** Runs a block; it knows what the blocks before it have set. @returns what it printed */
  type(text: string): Promise<string>
  /** "A moment later", "when the job has ended". */
  untilJobsEnded(): Promise<void>
}

/** @param url what stands for `localhost:3000` @param folder the shell's own; it is made */
export const openShell = async (url: string, folder: string): Promise<Shell> => {
  if (!existsSync(folder)) mkdirSync(folder)
  // If we are root, Postgres runs as another user, who must be able to enter.
  chmodSync(folder, 0o711)
  await provideCurl(folder)

  const type = async (text: string): Promise<string> => {
    const script = `set -a; [ -f variables ] && . ./variables; set -e -o pipefail\n${text}\nexport -p > variables`
    const path = [join(folder, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter)
    const shell = ['-c', script.replaceAll(/(http:\/\/)?localhost:3000/g, url)]
    const { stdout } = await run('bash', shell, { cwd: folder, env: { PATH: path } })
    return stdout
  }

  const untilJobsEnded = async (): Promise<void> => {
    const states = async () => {
      const list = await type('curl -s localhost:3000/jobs -H "authorization: Bearer $TOKEN"')
      return (JSON.parse(list) as { items: { state: string }[] }).items.map(({ state }) => state)
    }
    await expect.poll(states).not.toContain('queued')
    await expect.poll(states).not.toContain('running')
  }

  return { folder, type, untilJobsEnded }
}

/** Where there is no curl, something that understands the same. */
const provideCurl = async (folder: string): Promise<void> => {
  mkdirSync(join(folder, 'bin'))
  const there = await run('bash', ['-c', 'command -v curl']).then(
    () => true,
    () => false,
  )
  if (there) return
  const script = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'tests/docs/curl.ts')}' "$@"\n`
  writeFileSync(join(folder, 'bin/curl'), script, { mode: 0o755 })
}

/** Commands that a document shows, with the answer that is shown below them. */
export interface Step {
  commands: string
  answer: Block | undefined
}

/** The commands of a document that talk to the API. */
export const stepsOf = (document: string): Step[] => {
  const blocks = blocksOf(document)
  return blocks.flatMap(({ language, text }, index) => {
    if (language !== 'sh' || !text.includes('curl ')) return []
    const next = blocks[index + 1]
    return [{ commands: text, answer: next?.language === 'json' ? next : undefined }]
  })
}

/** Types all of a document's commands, and holds each answer against the one that is shown. */
export const follow = async ({ type, untilJobsEnded }: Shell, steps: Step[]): Promise<void> => {
  for (const { commands, answer } of steps) {
    if (/\bJOB=|\$JOB/.test(commands)) await untilJobsEnded()
    const printed = await type(commands)
    if (answer) expect(JSON.parse(printed), commands).toEqual(like(JSON.parse(answer.text)))
  }
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
