import { chmod } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import postgresClient from 'postgres'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts'
import type { KafkaBroker } from '../components/kafka.ts'
import { asFunctions, type Postgres } from '../components/postgres.ts'
import { sqsS3At } from '../components/sqs-s3.ts'
import type { Host } from './host-component.ts'
import { makeSecrets } from './local-config.ts'
import { createRunFile } from './run-file.ts'
import { hostPart, postgresPart, type StackState, sqsS3Part } from './stack-parts.ts'

const postgresAt = (port: number) => ({ socketUrl: `postgres://127.0.0.1:${port}/none`, port }) as Postgres
const sqsAt = (port: number) => ({ ...sqsS3At(port), port }) as NonNullable<StackState['latest']['sqsS3']>

/** A stack of which everything has run once, and nothing does. */
const stack = async (): Promise<StackState> => {
  const dataDir = temporaryFolder()
  return {
    config: { dataDir, port: 0 },
    url: 'http://localhost:1',
    env: {},
    secrets: makeSecrets(),
    runFile: createRunFile(dataDir, ({ message }) => expect.unreachable(message)),
    latest: { postgres: postgresAt(1), sqsS3: sqsAt(1), kafka: { address: '127.0.0.1:1' } as KafkaBroker },
    workers: new Map(),
    needed: Promise.resolve(),
    kafkaStarts: 1,
    republishedFor: 1,
  } as unknown as StackState
}

test.for<[string, (state: StackState) => void]>([
  ['postgres', (state) => postgresPart.onUp(state, postgresAt(2))],
  ['sqs-s3', (state) => sqsS3Part.onUp(state, sqsAt(2))],
])(
  'a host that starts while %s comes back at another port does not look for it at the old one',
  async ([, comeBack]) => {
    const state = await stack()
    const starting = hostPart.start(state, undefined)
    const failed = expect(starting).rejects.toThrow('host did not start: what it needs is elsewhere now')
    await turn()
    expect(new URL(state.toldHost?.env['DATABASE_URL'] ?? '').username).toBe('stint_functions')
    comeBack(state)
    await failed
  },
)

test('a host that is ended since what it was told has changed did not die; the next one that ends may have', async () => {
  const state = await stack()
  const starting = hostPart.start(state, undefined).catch(() => {})
  await turn()
  const told = state.toldHost
  hostPart.onUp(state, { stop: async () => {}, tell: () => {} } as unknown as Host)
  sqsS3Part.onUp(state, sqsAt(2))
  expect(hostPart.onDown?.(state)).toBe('was ended, since sqs-s3 has another address now')
  expect(hostPart.onDown?.(state)).toBe(undefined)
  told?.starting.abort('the test is over')
  await starting
})

test('a database that is made anew, since the data folder was removed, gets its tables, which the functions may not change', async () => {
  const state = await stack()
  await chmod(state.config.dataDir, 0o711)
  const postgres = await postgresPart.start(state, undefined)
  const sql = postgresClient(asFunctions(postgres.url), { max: 1 })
  try {
    expect(await sql`SELECT count(*)::int AS count FROM jobs`).toEqual([{ count: 0 }])
    await expect(sql`DROP TABLE jobs`).rejects.toMatchObject({ code: '42501' })
  } finally {
    await sql.end()
    await postgres.stop()
  }
})
