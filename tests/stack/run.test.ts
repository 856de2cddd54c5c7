import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('run.ts', import.meta.url))

test('a part that there is not is an error, with the names of those that there are', async () => {
  const run = promisify(execFile)(process.execPath, [script, '--only', 'kafak'])
  await expect(run).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /--only kafak is none of: Apache Kafka 4.1.1, LocalStack, PostgreSQL behind PgBouncer/,
    ),
  })
})
