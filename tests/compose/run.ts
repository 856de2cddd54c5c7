import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fetchWith, freePorts, MissingError } from '../stack/component.ts'
import { fetchKafka } from '../stack/kafka.ts'
import { LOCALSTACK_PACKAGES } from '../stack/localstack.ts'

// `npm run test:compose`: starts docker-compose.yml, does what people do with it, and forgets it. Where no image can be
// pulled, `-- --from-packages` makes the components' out of packages, on a DEBIAN_IMAGE and a NODE_IMAGE that are there:
// `-- --from-packages --build-arg NODE_IMAGE=… --build-arg DEBIAN_IMAGE=… --secret id=ca,src=… --network host`.

const { values } = parseArgs({
  options: {
    'from-packages': { type: 'boolean', default: false },
    tools: { type: 'string', default: join(homedir(), '.cache/stint-test-stack') },
    'build-arg': { type: 'string', multiple: true, default: [] },
    secret: { type: 'string', multiple: true, default: [] },
    network: { type: 'string' },
  },
})

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COMPONENTS = fileURLToPath(new URL('components', import.meta.url))
const PROJECT = 'stint-test'
const KAFKA = '4.1.1'
const MAILPIT = 'github.com/axllent/mailpit@v1.27.11'

const docker = (args: string[], env: NodeJS.ProcessEnv = {}): boolean =>
  // Engines before 23 have BuildKit, and don't use it unless they are asked to.
  spawnSync('docker', args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, DOCKER_BUILDKIT: '1', ...env } })
    .status === 0

const build = (tag: string, args: string[], context: string): void => {
  const given = [
    ...values['build-arg'].flatMap((it) => ['--build-arg', it]),
    ...values.secret.flatMap((it) => ['--secret', it]),
    ...(values.network === undefined ? [] : ['--network', values.network]),
  ]
  if (!docker(['build', '--tag', tag, ...given, ...args, context])) throw new Error(`${tag} could not be built`)
}

const buildComponents = async (): Promise<void> => {
  const context = mkdtempSync(join(tmpdir(), 'stint-test-components-'))
  try {
    mkdirSync(values.tools, { recursive: true })
    cpSync(COMPONENTS, context, { recursive: true })
    cpSync(LOCALSTACK_PACKAGES, join(context, 'localstack.txt'))
    cpSync(await fetchKafka(KAFKA, join(values.tools, `kafka-${KAFKA}`)), join(context, 'kafka'), { recursive: true })
    const go = { GOBIN: context, CGO_ENABLED: '0' }
    await fetchWith('go', ['install', MAILPIT], 'Mailpit from Go’s module proxy', go)
    build('stint-test-components', [], context)
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
}

const main = async (): Promise<number> => {
  if (!docker(['info', '--format', 'Docker {{.ServerVersion}}']) || !docker(['compose', 'version'])) {
    console.error('docker-compose.yml was not tried: there is no Docker engine here, or no Compose.')
    return process.env['CI'] ? 1 : 0
  }
  const files = ['docker-compose.yml']
  if (values['from-packages']) {
    files.push('tests/compose/from-packages.yml')
    await buildComponents()
    build('stint-host', ['--file', 'infra/docker/Dockerfile', '--target', 'host'], ROOT)
  }
  const [port = 0] = await freePorts(1)
  const env = {
    COMPOSE_FILE: files.join(':'),
    COMPOSE_PROJECT_NAME: PROJECT,
    PORT: String(port),
    STINT_FUNCTION_TIMEOUT_SECONDS: '20',
  }
  const compose = (...args: string[]): boolean => docker(['compose', ...args], env)
  try {
    const up = ['up', '--detach', ...(values['from-packages'] ? [] : ['--build'])]
    const test = { ...process.env, ...env, STINT_COMPOSE_URL: `http://localhost:${port}` }
    const passed =
      compose(...up) && spawnSync('vitest', ['run', 'tests/compose'], { stdio: 'inherit', env: test }).status === 0
    if (!passed) compose('logs', '--tail', '40')
    return passed ? 0 : 1
  } finally {
    compose('down', '--volumes', '--timeout', '10')
  }
}

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof MissingError)) throw error
  console.error(`docker-compose.yml was not tried: ${error.message}`)
  return process.env['CI'] ? 1 : 0
})
