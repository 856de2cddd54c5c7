import { rm } from 'node:fs/promises'
import { scratchFolder } from '../../infra/local/shared/scratch-folder.ts'
import { startDatabase } from '../peers/services.ts'
import { machine, show } from '../report.ts'
import { measureHttp } from './http.ts'
import { measureRows } from './rows.ts'

// `npm run bench:limits`: what this machine can do without Stint: node:http alone, and a table with one index in the same
// PostgreSQL. Compare what Stint reaches with these.

const SECONDS = 4

const http = await measureHttp(SECONDS)
const folder = scratchFolder('limits')
const database = await startDatabase(folder)
try {
  const rows = await measureRows(database.env.databaseUrl ?? '', SECONDS)
  const lines = [{ what: 'node:http, one process: a POST of 200 bytes parsed and answered', perSecond: http }, ...rows]
  console.log(
    [
      machine(),
      '',
      '| | per second |',
      '|---|--:|',
      ...lines.map(({ what, perSecond }) => `| ${what} | ${show(perSecond, 0)} |`),
    ].join('\n'),
  )
} finally {
  await database.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
