import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Api } from '../../functions/http/api.ts'
import { type Client, createClient } from '../../lib/client/client.ts'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { explain } from './explain.ts'
import { upload } from './upload.ts'

test('a store that cannot be reached is told as such, and not as an error of ours', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'large.csv')
  writeFileSync(path, '')
  truncateSync(path, 5 * 1024 * 1024)
  const announced = { file: { id: 'a' }, upload: { url: 'http://127.0.0.1:1/large.csv', method: 'PUT', headers: {} } }
  const client: Client<Api> = createClient<Api>({ baseUrl: '', fetch: async () => Response.json(announced) })
  const error: unknown = await upload(client, path, undefined).catch((it: unknown) => it)
  expect(explain(error)).toMatchObject({
    exitCode: 2,
    message: expect.stringContaining('PUT large.csv was not answered by http://127.0.0.1:1'),
  })
})
