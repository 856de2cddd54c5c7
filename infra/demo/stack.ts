import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import { readRunFile } from '../local/run-file.ts'
import { type Stack, startStack } from '../local/stack.ts'
import { TOPIC } from './listener.ts'
import type { Screen } from './screen.ts'

const { STINT_FUNCTION_TIMEOUT_SECONDS: given } = process.env

/** On a busy machine a function can take many times as long to reach its first safe point. */
export const IS_BUSY = !given && (loadavg()[0] ?? 0) > 2 * availableParallelism()

/** Short enough that a job is seen to continue in the next call of its function. */
export const FUNCTION_SECONDS = Number(given || (IS_BUSY ? 10 : 3))

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
