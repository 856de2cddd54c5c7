import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import { leibniz } from '../../functions/jobs/math/leibniz.ts'
import type { Screen } from '../cli/screen.ts'
import { type Stack, startStack } from '../local/stack.ts'
import { readRunFile } from '../local/supervisor/run-file.ts'
import { TOPIC } from './listener.ts'
import { DIGITS } from './submit.ts'

const { STINT_FUNCTION_TIMEOUT_SECONDS: given } = process.env

/** Steps of some 30 ms: enough to see how fast this machine is just now. */
const TRIED_STEPS = 3

/** How long π by Leibniz will take. Its terms shrink to nothing, so the average one costs half of the first ones. */
const secondsOfPi = (): number => {
  const series = leibniz(DIGITS)
  const began = performance.now()
  let state = series.begin()
  for (let step = 0; step < TRIED_STEPS; step++) state = series.advance(state)
  const seconds = (performance.now() - began) / 1_000
  return (seconds * series.expectedTerms) / state.terms / 2
}

/**
 * So short that π is seen to continue in the next calls of its function, however fast the machine, and long enough for a first
 * safe point on one that is busy.
 */
export const FUNCTION_SECONDS = Number(given || Math.min(10, Math.max(1, Math.round(secondsOfPi() / 3))))

const PARTS = {
  postgres: 'PostgreSQL, real, with a fresh database',
  'sqs-s3': 'SQS and S3 (fauxqs)',
  kafka: 'Kafka (a broker in memory, by librdkafka)',
  host: 'the API; it also calls the workers',
}
const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'

/** Starts the stack of `npm start` on free ports, and shows its parts as they come up. */
export const startShown = async (screen: Screen, dataDir: string): Promise<Stack> => {
  const env = { STINT_FUNCTION_TIMEOUT_SECONDS: String(FUNCTION_SECONDS), KAFKA_TOPIC: TOPIC, STINT_CHAOS: '' }
  const starting = startStack({ dataDir, env })
  let done = false
  const showing = (async () => {
    for (let turn = 0; !done; turn++) {
      const up = readRunFile(dataDir)
      screen.show(
        Object.entries(PARTS).map(([name, what]) => {
          const part = up.find((it) => it.name === name)
          const mark = part ? styleText('green', '✓') : SPINNER[turn % SPINNER.length]
          return `  ${mark} ${name.padEnd(9)} ${(part?.address ?? '').padEnd(23)} ${styleText('dim', what)}`
        }),
      )
      await sleep(80)
    }
    screen.show([])
  })()
  const stack = await starting.finally(async () => {
    done = true
    await showing
  })
  const up = stack.run()
  for (const [name, what] of Object.entries(PARTS)) {
    const address = up.find((it) => it.name === name)?.address ?? ''
    screen.say(`  ${styleText('green', '✓')} ${name.padEnd(9)} ${address.padEnd(23)} ${styleText('dim', what)}`)
  }
  return stack
}

/** The address of Kafka, which is up before the rest. @throws when the stack could not be started */
export const kafkaOf = async (dataDir: string, stack: Promise<Stack>): Promise<string> => {
  for (let ended = false; ; await sleep(50)) {
    const address = readRunFile(dataDir).find(({ name }) => name === 'kafka')?.address
    if (address) return address
    if (ended) throw new Error('the stack runs without Kafka')
    ended = await Promise.race([stack.then(() => true), sleep(0, false)])
  }
}
