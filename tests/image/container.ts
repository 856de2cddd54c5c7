import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

export interface Container {
  /** What it has printed so far. */
  printed(): string
  /** Resolves with its exit code. */
  exited: Promise<number>
  /** Asks it to stop, and ends it after ten seconds. */
  stop(): Promise<number>
  kill(): Promise<void>
  /** Stops its processes where they are, as Lambda does between two invocations; `thaw` has them go on. */
  freeze(): void
  thaw(): void
}

export interface ContainerOptions {
  image: string
  command: readonly string[]
  environment: Record<string, string>
  /** More options for `docker run`. */
  options?: readonly string[]
}

let started = 0

/**
 * Runs a container on the machine's own network, where the test's Postgres, SQS, S3 and Kafka listen. It can write to
 * nothing but /tmp and its volumes.
 */
export const startContainer = ({ image, command, options = [], ...given }: ContainerOptions): Container => {
  const environment = overTcp(given.environment)
  const name = `stint-test-${process.pid}-${++started}`
  const fixed = ['--rm', '--name', name, '--network', 'host', '--read-only', '--tmpfs', '/tmp']
  const args = ['run', ...fixed, ...options, ...asOptions(environment), image, ...command]
  const child = spawn('docker', args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text))
  const exited = exitOf(child)
  const docker = (command: string): void => void spawnSync('docker', [command, name])
  const end = async (command: string): Promise<number> => {
    docker(command)
    return exited
  }
  return {
    printed: () => printed,
    exited,
    stop: () => end('stop'),
    kill: async () => void (await end('kill')),
    freeze: () => docker('pause'),
    thaw: () => docker('unpause'),
  }
}

/** Over TCP: a Unix socket of the machine is not visible in a container. */
const overTcp = (environment: Record<string, string>): Record<string, string> => {
  const url = new URL(environment['DATABASE_URL'] ?? '')
  url.searchParams.delete('host')
  return { ...environment, DATABASE_URL: url.href }
}

const exitOf = async (child: ChildProcess): Promise<number> => {
  const [code] = await once(child, 'exit')
  return code as number
}

/** By name alone: their values are in the client's environment, and not on a command line that everybody can read. */
const asOptions = (variables: Record<string, string>): string[] =>
  Object.keys(variables).flatMap((name) => ['--env', name])
