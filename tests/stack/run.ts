import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { GivenStack } from '../support/given-stack.ts'
import { MissingError, type Running } from './component.ts'
import { startApacheKafka } from './kafka.ts'
import { startLocalStack } from './localstack.ts'
import { startDebianPostgres, startPgBouncer } from './postgres.ts'
import { startPrometheus } from './prometheus.ts'

// `npm run test:stack`: the tests, with the real components in place of the embedded ones. What can't be had here is said
// and stays embedded; with CI=true that is a failure. `-- --only kafka` for one part, `-- lib/events` for some tests,
// `-- --short` for those that speak to a component themselves, on the newest of each.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    tools: { type: 'string', default: join(homedir(), '.cache/stint-test-stack') },
  },
})

/** What speaks to a component itself. */
const SHORT = ['tests/stack', 'lib/events', 'lib/files', 'lib/queue', 'lib/jobs/claim.test.ts', 'db']

/** Whatever comes to a component, the scenarios, and the hosts, which are asked from outside. */
const TESTS = [
  'tests/stack',
  'db',
  'functions',
  'infra/cli',
  'infra/docker/serve.test.ts',
  'infra/local/chaos',
  'infra/local/live',
  'infra/local/queues/dead-letter-host.test.ts',
  'infra/local/queues/poller.test.ts',
  'infra/local/workers/worker-pool.test.ts',
  'lib/auth',
  'lib/client',
  'lib/events',
  'lib/files',
  'lib/http',
  'lib/jobs',
  'lib/metrics',
  'lib/queue',
  'lib/schedule',
  'lib/tracing',
  'tests/chaos',
  'tests/deployed',
  'tests/engine',
  'tests/scenarios',
  'tests/thrift',
]

interface Folders {
  /** Where what is fetched stays. */
  tools: string
  /** Of this run. */
  folder: string
}
interface Part {
  name: string
  start(folders: Folders): Promise<Running & { given: GivenStack; version?: number }>
}

const kafka = (version: string): Part => ({
  name: `Apache Kafka ${version}`,
  start: async (folders) => {
    const { kafkaAddress, stop } = await startApacheKafka(version, folders)
    return { given: { kafkaAddress }, stop }
  },
})
const localStack: Part = {
  name: 'LocalStack',
  start: async (folders) => {
    const { awsUrl, region, stop } = await startLocalStack(folders)
    return { given: { awsUrl, region }, stop }
  },
}
const pooledPostgres: Part = {
  name: 'PostgreSQL behind PgBouncer',
  start: async (folders) => {
    const postgres = await startDebianPostgres(folders)
    try {
      const { databaseUrl, stop } = await startPgBouncer(postgres.port, folders)
      const given = { adminUrl: postgres.adminUrl, databaseUrl, environment: { DATABASE_PREPARE: 'false' } }
      return { given, version: postgres.version, stop: () => stop().finally(postgres.stop) }
    } catch (error) {
      await postgres.stop()
      throw error
    }
  },
}
const prometheus: Part = {
  name: 'Pushgateway and Prometheus',
  start: async (folders) => {
    const { stop, ...urls } = await startPrometheus(folders)
    return { given: urls, stop }
  },
}

/** The second run has the embedded PostgreSQL, which is a real 18, and what of Kafka is older. */
const RUNS: { parts: Part[]; tests: string[] }[] = [
  { parts: [kafka('4.1.1'), localStack, pooledPostgres, prometheus], tests: values.short ? SHORT : TESTS },
  ...(values.short ? [] : [{ parts: [kafka('3.9.1')], tests: ['lib/events'] }]),
]

const NAMES = [...new Set(RUNS.flatMap(({ parts }) => parts.map(({ name }) => name)))]

const isWanted = ({ name }: Part): boolean => name.toLowerCase().includes((values.only ?? '').toLowerCase())

const run = async ({ parts, tests }: (typeof RUNS)[number]): Promise<boolean> => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-test-stack-'))
  chmodSync(folder, 0o755)
  const running: Running[] = []
  let complete = true
  const given: GivenStack = {}
  try {
    for (const part of parts) {
      try {
        const started = await part.start({ tools: values.tools, folder })
        running.push(started)
        Object.assign(given, started.given)
        console.log(`${part.name}: runs${started.version === undefined ? '' : `, ${started.version}`}`)
      } catch (error) {
        if (!(error instanceof MissingError)) throw error
        console.log(`${part.name}: SKIPPED, the embedded part stays in its place. ${error.message}`)
        complete = false
      }
    }
    const passed = await vitest(positionals.length > 0 ? positionals : tests, given)
    return passed && (complete || !process.env['CI'])
  } finally {
    for (const it of running.reverse()) await it.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const vitest = async (tests: string[], given: GivenStack): Promise<boolean> => {
  const env = { ...process.env, STINT_TEST_STACK: JSON.stringify(given) }
  const child = spawn('vitest', ['run', ...tests], { stdio: 'inherit', env })
  const [code] = await once(child, 'exit')
  return code === 0
}

const wanted = RUNS.map((it) => ({ ...it, parts: it.parts.filter(isWanted) })).filter(({ parts }) => parts.length > 0)
if (wanted.length === 0) throw new Error(`--only ${values.only} is none of: ${NAMES.join(', ')}`)
mkdirSync(values.tools, { recursive: true })
let failed = 0
for (const it of wanted) {
  if (!(await run(it))) failed++
}
process.exitCode = failed === 0 ? 0 : 1
