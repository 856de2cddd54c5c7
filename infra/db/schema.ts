import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPool } from '../../db/client.ts'
import { migrateUp } from '../../db/migrate.ts'
import { startPostgres } from '../local/components/postgres.ts'
import { scratchFolder } from '../local/shared/scratch-folder.ts'
import { describeSchema } from './describe.ts'

const FILE = fileURLToPath(new URL('../../db/schema.md', import.meta.url))

/** What `db/schema.md` should say, from a freshly migrated database. */
const generate = async (): Promise<string> => {
  const dataDir = scratchFolder('schema')
  try {
    const server = await startPostgres({ dataDir: join(dataDir, 'postgres'), settings: { fsync: 'off' } })
    try {
      await migrateUp(server.url)
      const sql = createPool({ url: server.url, maxConnections: 1, prepare: false, applicationName: 'schema' })
      return await describeSchema(sql).finally(() => sql.end())
    } finally {
      await server.stop()
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

const main = async ([flag]: string[]): Promise<number> => {
  const wanted = await generate()
  if (flag !== '--check') {
    await writeFile(FILE, wanted)
    return 0
  }
  const committed = await readFile(FILE, 'utf8').catch(() => '')
  if (committed === wanted) return 0
  const [is, should] = [committed.split('\n'), wanted.split('\n')]
  const line = should.findIndex((text, index) => text !== is[index])
  console.error(
    `db/schema.md is not what the migrations make, from line ${line + 1} on:\n` +
      `  is:        ${is[line] ?? '(end)'}\n  should be: ${should[line] ?? '(end)'}\nRun \`npm run schema\` and commit it.`,
  )
  return 1
}

process.exitCode = await main(process.argv.slice(2))
