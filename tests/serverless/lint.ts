import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchWith, MissingError } from '../stack/component.ts'
import { packageStage } from './package-stage.ts'

// `npm run lint:deploy`: what goes to AWS and GitHub, looked at by their linters: the templates of all stages and those of
// infra/deploy by cfn-lint, from PyPI; the workflows by actionlint, a Go module. A linter that can't be had here is said
// and skipped; with CI=true that is a failure.

const CFN_LINT = '1.58.0'
const ACTIONLINT = '1.7.12'
const STAGES = ['dev', 'staging', 'prod']
const TEMPLATES = ['account', 'deployer', 'foundation'].map((name) => `infra/deploy/${name}.yml`)
const TOOLS = join(homedir(), '.cache/stint-lint-deploy')

/** osls names roles as dependencies that are some already. */
const FORGIVEN = ['--ignore-checks', 'W3005', '--']

const lint = (command: string, args: string[]): boolean => spawnSync(command, args, { stdio: 'inherit' }).status === 0

const lintTemplates = async (): Promise<boolean> => {
  const command = await fetchCfnLint()
  const folder = mkdtempSync(join(tmpdir(), 'stint-lint-'))
  try {
    const stages: string[] = []
    for (const stage of STAGES) stages.push(await packageStage(stage, join(folder, stage)))
    return lint(command, [...FORGIVEN, ...TEMPLATES, ...stages])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const lintWorkflows = async (): Promise<boolean> => lint(await fetchActionlint(), globSync('.github/workflows/*.yml'))

/** @throws {MissingError} */
const fetchCfnLint = async (): Promise<string> => {
  const folder = join(TOOLS, `cfn-lint-${CFN_LINT}`)
  const command = join(folder, 'bin/cfn-lint')
  if (existsSync(command)) return command
  await fetchWith('python3', ['-m', 'venv', folder], 'a virtual environment of Python')
  await fetchWith(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', `cfn-lint==${CFN_LINT}`], 'cfn-lint')
  return command
}

/** @throws {MissingError} */
const fetchActionlint = async (): Promise<string> => {
  const folder = join(TOOLS, `actionlint-${ACTIONLINT}`)
  const command = join(folder, 'actionlint')
  if (existsSync(command)) return command
  const module = `github.com/rhysd/actionlint/cmd/actionlint@v${ACTIONLINT}`
  await fetchWith('env', [`GOBIN=${folder}`, 'go', 'install', module], 'actionlint')
  return command
}

const LINTERS: [name: string, run: () => Promise<boolean>][] = [
  ['cfn-lint', lintTemplates],
  ['actionlint', lintWorkflows],
]

mkdirSync(TOOLS, { recursive: true })
process.exitCode = 0
for (const [name, run] of LINTERS) {
  try {
    const clean = await run()
    console.log(`${name}: ${clean ? 'nothing to say' : 'see above'}`)
    if (!clean) process.exitCode = 1
  } catch (error) {
    if (!(error instanceof MissingError)) throw error
    console.log(`${name}: SKIPPED. ${error.message}`)
    if (process.env['CI']) process.exitCode = 1
  }
}
