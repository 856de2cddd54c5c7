import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url))
const VENV = fileURLToPath(new URL('../../node_modules/.cache/schemathesis', import.meta.url))

/** Installs Schemathesis into a folder of its own, once. @returns why it can't be had, if it can't */
export const whyMissing = (): string | undefined => {
  const done = join(VENV, 'installed')
  if (existsSync(done)) return undefined
  try {
    rmSync(VENV, { recursive: true, force: true })
    execFileSync('python3', ['-m', 'venv', VENV], { stdio: 'pipe' })
    execFileSync(join(VENV, 'bin/pip'), ['install', '--quiet', '--requirement', REQUIREMENTS], { stdio: 'pipe' })
    writeFileSync(done, '')
    return undefined
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    return `${stderr}`.trim().split('\n').at(-1) || String(error)
  }
}

/** Values worth trying, by the parameters' names. */
export interface Fuzzing {
  url: string
  token: string
  folder: string
  seed: number
  seconds: number
  phases: string
  likely: Record<string, string[]>
}

/** Runs it on the API at `url`. @returns whether nothing was found */
export const fuzz = async (fuzzing: Fuzzing): Promise<boolean> => {
  const config = join(fuzzing.folder, 'schemathesis.toml')
  writeFileSync(config, toml(fuzzing))
  const { url, seed, seconds, phases } = fuzzing
  const options = [
    '--phases',
    phases,
    '--seed',
    `${seed}`,
    '--max-time',
    `${seconds}`,
    '--no-color',
    '--warnings',
    'off',
  ]
  const child = spawn(
    join(VENV, 'bin/schemathesis'),
    ['--config-file', config, 'run', `${url}/openapi.json`, ...options],
    // What it remembers of a run stays in this one's folder.
    { cwd: fuzzing.folder, stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const [status] = await once(child, 'close')
  return status === 0
}

/**
 * What a schema allows may still be wrong: a kind that isn't there, a cursor that nobody gave out. And what is missing may
 * be something else that the request names: whoever is invited to a new project.
 */
const UNFIT = ['positive_data_acceptance', 'ensure_resource_availability']
/** An admin who stops the host ends the run. Bytes for Thrift's protocols are made up in lib/rpc. */
const LEFT_OUT = '^POST /(system/processes/|rpc$)'
/** An upload may have any bytes, whatever its type says. */
const OF_FILES = '^POST /(files|image/resize)$'
/** Another method leads to `/jobs/{jobId}` or `/files/{fileId}` here, which is a 404. */
const SHADOWED = '^/(jobs/(batch|cancel|retry)|files/uploads)$'
/** An invalid value may also be too long for an address. */
const REFUSALS = ['400', '401', '403', '404', '405', '406', '409', '413', '415', '422', '428', '429', '431', '5xx']

const toml = ({ token, likely }: Fuzzing): string =>
  [
    'continue-on-failure = true',
    'request-timeout = 30.0',
    `headers = { Authorization = ${JSON.stringify(`Bearer ${token}`)} }`,
    ...UNFIT.map((check) => `checks.${check}.enabled = false`),
    `checks.negative_data_rejection.expected-statuses = ${JSON.stringify(REFUSALS)}`,
    'generation.database = "none"',
    ...Object.entries(likely).flatMap(([name, values]) => [
      `dictionaries.${name}.values = ${JSON.stringify(values)}`,
      ...['path', 'query', 'body'].map(
        (where) => `parameters."${where}.${name}" = { dictionary = "${name}", probability = 0.7 }`,
      ),
    ]),
    '[[operations]]',
    `include-name-regex = ${JSON.stringify(LEFT_OUT)}`,
    'enabled = false',
    '[[operations]]',
    `include-name-regex = ${JSON.stringify(OF_FILES)}`,
    'checks.negative_data_rejection.enabled = false',
    '[[operations]]',
    `include-path-regex = ${JSON.stringify(SHADOWED)}`,
    'checks.unsupported_method.enabled = false',
  ].join('\n')
