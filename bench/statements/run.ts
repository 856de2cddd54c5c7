import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { migrateUp } from '../../db/migrate.ts'
import { startPostgres } from '../../infra/local/components/postgres.ts'
import { scratchFolder } from '../../infra/local/shared/scratch-folder.ts'
import { machine, show } from '../report.ts'
import { measureStatements } from './measure.ts'

// `npm run bench:statements`: what each step of a job costs PostgreSQL, in CPU time of its backend, for batches of
// several sizes. Unlike jobs per second it says the same on a machine that is busy with other things.

const SIZES = [500, 16, 1]

const folder = scratchFolder('statements')
const postgres = await startPostgres({ dataDir: join(folder, 'postgres') })
try {
  await migrateUp(postgres.url)
  const found: Record<string, number>[] = []
  for (const size of SIZES) found.push(await measureStatements(postgres.socketUrl, size))
  const steps = Object.keys(found[0] ?? {})
  console.log(
    [
      machine(),
      '',
      `| CPU µs per job, at a time | ${SIZES.join(' | ')} |`,
      `|---|${'--:|'.repeat(SIZES.length)}`,
      ...steps.map((step) => `| ${step} | ${found.map((it) => show(it[step] ?? Number.NaN, 0)).join(' | ')} |`),
    ].join('\n'),
  )
} finally {
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
