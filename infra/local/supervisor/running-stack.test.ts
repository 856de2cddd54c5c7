import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createApp } from '../../../lib/app.ts'
import { readConfig } from '../../../lib/core/config.ts'
import { startPostgres } from '../components/postgres.ts'
import { startSqsS3 } from '../components/sqs-s3.ts'
import { scratchFolder } from '../shared/scratch-folder.ts'
import { createRunFile } from './run-file.ts'
import { environmentOfRunning } from './running-stack.ts'

test('the environment of a running stack is found from its data folder, and works', async () => {
  const dataDir = scratchFolder('running')
  expect(await environmentOfRunning(dataDir)).toBeUndefined()
  const postgres = await startPostgres({ dataDir: join(dataDir, 'postgres'), settings: { fsync: 'off' } })
  const sqsS3 = await startSqsS3({ dataDir })
  const runFile = createRunFile(dataDir, () => {})
  for (const { name, pid, port } of [postgres, sqsS3]) runFile.set({ name, pid, port })
  const env = (await environmentOfRunning(dataDir)) ?? expect.unreachable()
  const app = await createApp(readConfig({ ...env, LOG_LEVEL: 'silent' }), 'test')
  try {
    expect([...(await app.sql`SELECT current_database() AS name`)]).toEqual([{ name: 'stint' }])
    expect(await app.queue.visible('bulk')).toBe(0)
    await app.files.ready()
  } finally {
    await app.close()
    await Promise.all([postgres.stop(), sqsS3.stop()])
    await rm(dataDir, { recursive: true, force: true })
  }
})
