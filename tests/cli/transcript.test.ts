import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { expect, vi } from 'vitest'
import { EXIT } from '../../infra/cli/io.ts'
import { blocksOf, proseOf } from '../docs/markdown.ts'
import { test } from './person.ts'

// What docs/cli.md shows, typed into a shell.

vi.setConfig({ testTimeout: 300_000 })

const STINT = new URL('../../infra/cli/stint.ts', import.meta.url).pathname

/** Commands, each with what is shown below it. */
const transcript = blocksOf('docs/cli.md')
  .filter(({ language }) => language === 'console')
  .flatMap(({ text }) => text.trimEnd().split(/^\$ /m).slice(1))
  .map((step) => {
    const [command = '', ...shown] = step.trimEnd().split('\n')
    return { command, shown: shown.join('\n') }
  })

/** Ids, times and addresses are others each time, and columns as wide as what is in them. */
const comparable = (text: string): string =>
  text
    .trimEnd()
    .replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, 'ID')
    .replaceAll(/\d+\.\d s ago/g, 'AGO')
    .replaceAll(/stk_[\w-]+…/g, 'stk_…')
    .replaceAll(/http:\/\/[\w.:]+\d/g, 'URL')
    .replaceAll(/ {2,}/g, '  ')

test('the session in docs/cli.md goes as it is shown', async ({ ada }) => {
  expect(transcript.length).toBeGreaterThan(5)
  const env = { ...ada.env, PATH: `${dirname(process.execPath)}:${ada.env['PATH']}` }
  for (const { command, shown } of transcript) {
    const script = `stint() { node ${STINT} "$@"; }\n${command}`
    const printed = await new Promise<string>((resolve) => {
      execFile('bash', ['-c', script], { env, cwd: ada.config }, (_, out, err) => resolve(out + err))
    })
    expect(comparable(printed), command).toBe(comparable(shown))
  }
})

test('docs/cli.md has every exit code', () => {
  const listed = [...proseOf('docs/cli.md').matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
  expect(listed).toEqual(Object.values(EXIT).toSorted((a, b) => a - b))
})
