import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const SCRIPT = fileURLToPath(new URL('../../infra/deploy/migrate.sh', import.meta.url))
const IMAGE = 'registry/stint@sha256:ab'

const folder = mkdtempSync(join(tmpdir(), 'stint-migrate-script-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs it with a command line of AWS that notes what it is asked for. `answers` are its, by the operation's name. */
const migrate = async (args: string[], answers: Record<string, string>) => {
  const asked = join(folder, 'asked')
  writeFileSync(asked, '')
  const cases = Object.entries(answers).map(([operation, code]) => `${operation}) ${code} ;;`)
  const fake = `#!/bin/bash\necho "$*" >>'${asked}'\ncase $2 in\n${cases.join('\n')}\nesac\n`
  writeFileSync(join(folder, 'aws'), fake)
  chmodSync(join(folder, 'aws'), 0o755)
  const env = { PATH: [folder, process.env['PATH']].join(delimiter) }
  return new Promise<{ code: number; output: string; asked: string[] }>((resolve) => {
    execFile('bash', [SCRIPT, ...args], { env }, (error, stdout, stderr) => {
      const code = error ? Number(error.code) : 0
      resolve({ code, output: stdout + stderr, asked: readFileSync(asked, 'utf8').trim().split('\n') })
    })
  })
}

const invoked = (answer: string, failure = 'None') => `for file; do :; done; echo '${answer}' >"$file"; echo ${failure}`

test('the function gets the image first, and then migrates', async () => {
  const { code, output, asked } = await migrate(['dev', IMAGE], { invoke: invoked('{"output":"Applied: 1_a.sql"}') })
  expect([code, output]).toEqual([0, '{"output":"Applied: 1_a.sql"}\n\n'])
  expect(asked.map((line) => line.split(' ').slice(1, 2).join())).toEqual([
    'get-function',
    'update-function-code',
    'wait',
    'invoke',
  ])
  expect(asked[1]).toContain(`--function-name stint-dev-migrate --image-uri ${IMAGE}`)
  expect(asked[3]).toContain('--payload {} ')
})

test('an order goes to the function as it is', async () => {
  const { asked } = await migrate(['prod', IMAGE, '{"down": "7"}'], { invoke: invoked('{}') })
  expect(asked[3]).toContain('--function-name stint-prod-migrate')
  expect(asked[3]).toContain('--payload {"down": "7"} ')
})

test('a migration that fails ends it with the function’s error', async () => {
  const { code, output } = await migrate(['dev', IMAGE], { invoke: invoked('{"errorMessage":"no"}', 'Unhandled') })
  expect([code, output]).toEqual([1, '{"errorMessage":"no"}\n\n'])
})

test('a stage that is not there yet is left alone', async () => {
  const missing = "echo 'An error occurred (ResourceNotFoundException)' >&2; exit 254"
  const { code, output, asked } = await migrate(['dev', IMAGE], { 'get-function': missing })
  expect([code, output]).toEqual([0, "stint-dev-migrate isn't there yet\n"])
  expect(asked).toHaveLength(1)
})

test('without the right to look, it fails and says so', async () => {
  const refused = "echo 'An error occurred (AccessDenied)' >&2; exit 254"
  const { code, output } = await migrate(['dev', IMAGE], { 'get-function': refused })
  expect([code, output]).toEqual([1, 'An error occurred (AccessDenied)\n'])
})
