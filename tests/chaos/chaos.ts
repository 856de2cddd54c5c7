import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { createRandom } from '../../infra/local/chaos/random.ts'
import { scratchFolder } from '../../infra/local/shared/scratch-folder.ts'
import { startStack } from '../../infra/local/stack.ts'
import { createBreaker, type Strike } from './breaker.ts'
import { type Broken, check } from './check.ts'
import { connect } from './client.ts'
import { type Counts, countAll } from './counts.ts'
import { openDatabase } from './database.ts'
import { collectEvents } from './kafka-collector.ts'
import { createProbes } from './probes.ts'
import { interruptionsOf } from './recovery.ts'
import { createSubmitter } from './submitter.ts'

export interface ChaosOptions {
  seed: number
  jobs: number
  /** How long things break. */
  seconds: number
  leaseSeconds: number
  /** Whether the stack is unreliable by itself, too: STINT_CHAOS. */
  chaosSwitch: boolean
  say: (line: string) => void
}

export interface ChaosReport {
  dataDir: string
  strikes: Strike[]
  /** What each job of a killed worker had to wait, in milliseconds. */
  interruptions: number[]
  broken: Broken[]
  counts: Counts
  printed: string
}

const PEOPLE = 3

/** Long enough that the breaker finds a job at work. */
const LONG_JOB = { kind: 'debug.noop', input: { steps: 100, stepMs: 100 }, tags: ['ends:succeeded'] }

/**
 * Runs a stack, lets people submit jobs of all kinds, and kills its processes one after the other meanwhile. In the end
 * it checks whether every promise was kept. If so, the data folder is removed.
 */
export const runChaos = async (options: ChaosOptions): Promise<ChaosReport> => {
  const { seed, jobs, seconds, leaseSeconds, chaosSwitch, say } = options
  const dataDir = scratchFolder('chaos')
  say(`The stack's data: ${dataDir}`)
  let stack = await startStack({ dataDir, env: environmentOf(options) })
  const database = openDatabase(dataDir)
  const addressNow = () => stack.run().find(({ name }) => name === 'kafka')?.address
  const collector = collectEvents('stint.jobs.v1', addressNow)
  try {
    const client = await connect(stack.url, 'probe')
    const probes = createProbes({ stack, client, database, collector })
    const breaker = createBreaker({ stack, database, probes, random: createRandom(seed, 'breaker'), leaseSeconds })
    const picture = await somePicture()
    const people = await Promise.all(
      Array.from({ length: PEOPLE }, (_, nth) => createSubmitter(stack.url, seed, nth, picture)),
    )
    const began = performance.now()
    const over = AbortSignal.timeout(seconds * 1_000)
    const strikes: Strike[] = []
    const onStrike = (strike: Strike): void => {
      strikes.push(strike)
      say(describe(strike, performance.now() - began))
    }
    const freezing = sleep(2_000).then(async () => {
      for (let nth = 0; ; nth++) {
        const frozen = await breaker.strike('frozen worker')
        if (frozen) return onStrike(frozen)
        await client.once('POST', '/jobs', { body: { ...LONG_JOB, name: `long-${nth}` } })
        await sleep(1_000)
      }
    })
    await Promise.all([
      freezing,
      breaker.strikeUntil(over, onStrike),
      ...people.map((person) => person.submit(jobs / PEOPLE, seconds * 0.8)),
    ])
    say(`${stamp(performance.now() - began)}  nothing breaks any more; jobs that are left come to their end`)
    const printed = stack.printed()
    if (chaosSwitch) {
      await stack.stop()
      stack = await startStack({ dataDir, env: environmentOf({ ...options, chaosSwitch: false }) })
    }
    const accepted = people.flatMap((person) => person.accepted)
    const broken = await check({ database, collector, accepted, patienceSeconds: 2 * leaseSeconds + 60 })
    const interruptions = await database.read((sql) => interruptionsOf(sql, strikes))
    const unanswered = people.reduce((sum, person) => sum + person.unanswered, 0)
    const counts = await countAll({ database, collector, dataDir, accepted: accepted.length, unanswered })
    return { dataDir, strikes, interruptions, broken, counts, printed }
  } finally {
    await collector.stop()
    await database.close()
    await stack.stop()
  }
}

export const removeData = ({ dataDir }: ChaosReport): void => rmSync(dataDir, { recursive: true, force: true })

const environmentOf = ({ seed, leaseSeconds, chaosSwitch }: ChaosOptions): Record<string, string> => ({
  LEASE_SECONDS: String(leaseSeconds),
  HEARTBEAT_SECONDS: String(leaseSeconds / 3),
  LOG_LEVEL: 'info',
  // A client whose host was killed tries again and again.
  AUTH_RATE_LIMIT_PER_MINUTE: '10000',
  ...(chaosSwitch && { STINT_CHAOS: String(seed) }),
  // Longer than a lease: otherwise a frozen function would be ended before it wakes.
  ...(leaseSeconds < 10 && { STINT_FUNCTION_TIMEOUT_SECONDS: '20' }),
})

const somePicture = async (): Promise<Uint8Array<ArrayBuffer>> => {
  const background = { r: 20, g: 90, b: 160 }
  return new Uint8Array(
    await sharp({ create: { width: 800, height: 600, channels: 3, background } })
      .png()
      .toBuffer(),
  )
}

const stamp = (ms: number): string => `${(ms / 1_000).toFixed(1).padStart(6)} s`

const describe = ({ part, name, recoveredMs, jobs }: Strike, ms: number): string => {
  const after = `${(recoveredMs / 1_000).toFixed(1)} s`
  if (part === 'worker') return `${stamp(ms)}  killed ${name}: the ${jobs} jobs that it ran ran again after ${after}`
  if (part === 'frozen worker')
    return `${stamp(ms)}  ${name} stood still: its ${jobs} jobs ran again after ${after}; now it wakes`
  return `${stamp(ms)}  killed ${name}: used again after ${after}`
}
