import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dbmate } from '../../db/migrate.ts'

// `npm run migrate`, `migrate:down`, `migrate:status` and `migrate:new`.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COMMANDS = ['up', 'down', 'status', 'new']

const main = async ([command = '', ...args]: string[]): Promise<number> => {
  if (!COMMANDS.includes(command)) {
    console.error(`usage: npm run migrate | migrate:down | migrate:status | migrate:new NAME`)
    return 2
  }
  if (command === 'new') {
    if (args.length !== 1) {
      console.error('A migration needs a name: npm run migrate:new add_colour_to_projects')
      return 2
    }
    return (await dbmate(['new', ...args], undefined, 'inherit')).code ?? 1
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
  return (await dbmate([command], url, 'inherit')).code ?? 1
}

process.exitCode = await main(process.argv.slice(2))
