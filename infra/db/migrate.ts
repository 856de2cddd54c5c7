import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { resolveBinary } from 'dbmate'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COMMANDS = ['up', 'down', 'status', 'new']

export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

/** Applies every migration that the database lacks. @throws {MigrationError} with what dbmate said */
export const migrateUp = (url: string): Promise<string> => dbmate(['up'], url)

/** Takes back the latest migration. @throws {MigrationError} when there is none, too */
export const migrateDown = (url: string): Promise<string> => dbmate(['down'], url)

const dbmate = async (args: string[], url: string): Promise<string> => {
  const { code, output } = await run(args, url, 'pipe')
  if (code !== 0) throw new MigrationError(`dbmate ${args.join(' ')} failed: ${output.trim()}`)
  return output
}

const run = (args: string[], url: string | undefined, stdio: 'pipe' | 'inherit') => {
  // The URL goes by the environment: a command line is shown to every user of the machine.
  const env = { ...process.env, ...(url && { DATABASE_URL: withSslMode(url) }) }
  const options = ['--no-dump-schema', '--migrations-dir', join(ROOT, 'db/migrations')]
  const child = spawn(resolveBinary(), [...options, ...args], { cwd: ROOT, env, stdio: ['ignore', stdio, stdio] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** dbmate's driver asks for TLS unless told otherwise, the app's doesn't: on this machine both go without. */
const withSslMode = (url: string): string => {
  const parsed = new URL(url)
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname)
  if (local && !parsed.searchParams.has('sslmode')) parsed.searchParams.set('sslmode', 'disable')
  return parsed.href
}

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
    return (await run(['new', ...args], undefined, 'inherit')).code ?? 1
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
  return (await run([command], url, 'inherit')).code ?? 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2))
