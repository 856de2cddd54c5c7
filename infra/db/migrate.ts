import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { giveRights } from '../../db/functions-role.ts'
import { dbmate, MigrationError, migrateDown, migrateUp, migrationStatus } from '../../db/migrate.ts'

// `npm run migrate`, `migrate:down`, `migrate:status` and `migrate:new`. DATABASE_URL is the owner's; where the functions
// connect as another user, DATABASE_FUNCTIONS_URL is theirs, and `migrate` gives that user the rights.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COMMANDS = new Map([
  ['up', migrateUp],
  ['down', migrateDown],
  ['status', migrationStatus],
])

const main = async ([command = '', ...args]: string[]): Promise<number> => {
  if (command === 'new') {
    if (args.length !== 1) {
      console.error('A migration needs a name: npm run migrate:new add_colour_to_projects')
      return 2
    }
    return (await dbmate(['new', ...args], undefined, 'inherit')).code ?? 1
  }
  const run = COMMANDS.get(command)
  if (!run) {
    console.error(`usage: npm run migrate | migrate:down | migrate:status | migrate:new NAME`)
    return 2
  }
  const file = join(ROOT, '.env')
  if (existsSync(file)) process.loadEnvFile(file)
  const url = process.env['DATABASE_URL']
  if (!url || !URL.canParse(url)) {
    console.error(
      `DATABASE_URL ${url ? 'is not a URL' : 'is not set'}. Put it in the environment or in .env:\n` +
        '  DATABASE_URL=postgres://user:password@localhost:5432/stint\n' +
        '`npm start` needs none: it applies the migrations to its own database.',
    )
    return 2
  }
  try {
    console.log(await run(url))
    if (command === 'up') await giveRights(url, process.env['DATABASE_FUNCTIONS_URL'] || undefined)
    return 0
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error
    console.error(error.message)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
