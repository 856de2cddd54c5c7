import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answers, fetchWith, freePorts, MissingError, type Running, startProcess } from './component.ts'

const VERSION = '4.14.0'
/** Its packages and their versions, for pip. */
export const LOCALSTACK_PACKAGES = fileURLToPath(new URL('localstack.txt', import.meta.url))
/** pyenv puts one of those that it has before the others. */
const pythons = (): string[] => [
  ...['python3', 'python3.13', 'python3.12'],
  ...globSync(join(homedir(), '.pyenv/versions/3.1*/bin/python3')),
]

/** LocalStack's SQS and S3 from its Python packages, on this machine itself and without Docker. */
export const startLocalStack = async ({
  tools,
  folder,
}: {
  tools: string
  folder: string
}): Promise<Running & { awsUrl: string; region: string }> => {
  const python = await fetchLocalStack(join(tools, `localstack-${VERSION}`))
  const [port = 0] = await freePorts(1)
  const data = join(folder, 'localstack')
  mkdirSync(data, { recursive: true })
  const awsUrl = `http://127.0.0.1:${port}`
  const running = await startProcess({
    command: python,
    args: ['-m', 'localstack.runtime.main'],
    log: join(data, 'localstack.log'),
    env: {
      GATEWAY_LISTEN: `127.0.0.1:${port}`,
      LOCALSTACK_HOST: `127.0.0.1:${port}`,
      // As docker-compose.yml has it.
      SERVICES: 'sqs,s3',
      EAGER_SERVICE_LOADING: '1',
      SQS_ENDPOINT_STRATEGY: 'off',
      // It asks nobody, tells nobody, and is nobody's name server.
      DISABLE_EVENTS: '1',
      SKIP_SSL_CERT_DOWNLOAD: '1',
      DNS_ADDRESS: '0',
      FILESYSTEM_ROOT: data,
      LOCALSTACK_VOLUME_DIR: data,
    },
    isReady: () => answers(`${awsUrl}/_localstack/health`),
  })
  return { ...running, awsUrl, region: 'eu-central-1' }
}

/** @returns the Python that has it. @throws {MissingError} */
const fetchLocalStack = async (folder: string): Promise<string> => {
  const system = pythons().find((name) => runs(name, 'import sys, venv; sys.exit(sys.version_info < (3, 12))'))
  if (!system) throw new MissingError(`LocalStack ${VERSION} needs Python 3.12 or later, with its module venv`)
  const python = join(folder, 'bin/python')
  const done = join(folder, 'complete')
  if (existsSync(done)) return python
  await fetchWith(system, ['-m', 'venv', folder], 'a virtual environment of Python')
  const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--requirement', LOCALSTACK_PACKAGES]
  await fetchWith(python, install, `LocalStack ${VERSION} from PyPI`)
  writeFileSync(done, '')
  return python
}

const runs = (python: string, code: string): boolean => spawnSync(python, ['-c', code]).status === 0
