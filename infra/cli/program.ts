import { Command, Option } from 'commander'
import project from '../../package.json' with { type: 'json' }
import { addAccount } from './account.ts'
import { addAdmin } from './admin.ts'
import { addAudit } from './audit.ts'
import type { Cli } from './cli.ts'
import { addCounts } from './counts.ts'
import { addDeviceModels } from './device-models.ts'
import { addDoctor } from './doctor.ts'
import { explain } from './explain.ts'
import { addFailures } from './failures.ts'
import { addFiles } from './files.ts'
import { EXIT, type Io } from './io.ts'
import { addJobChanges } from './job-changes.ts'
import { addJobs } from './jobs.ts'
import { addKeys } from './keys.ts'
import { addLogs } from './logs.ts'
import { addProjects } from './projects.ts'
import { addQueues } from './queues.ts'
import { addSchedules } from './schedules.ts'
import { addShell } from './shell.ts'
import { addSubmit } from './submit.ts'
import { addSystem } from './system.ts'
import { addWatch } from './watch.ts'

const AFTER = `
The API: STINT_URL, or where you last signed in, or the stack running here (in STINT_DATA_DIR).
The account: STINT_TOKEN (an API key), or whoever is signed in there.

Exit codes: 0 done, 1 a job failed or doctor found problems, 2 the API cannot be reached, 3 not signed in, 4 refused,
64 wrong usage, 130 interrupted`

/** Runs one command. @param onSubmitted told of each job that it submits @returns the exit code */
export const run = async (args: string[], io: Io, onSubmitted: (jobId: string) => void = () => {}): Promise<number> => {
  let exitCode: number = EXIT.ok
  const configure = (command: Command): void => {
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) })
  }
  const cli: Cli = {
    io,
    configure,
    submitted: onSubmitted,
    exit: (code) => {
      exitCode = code
    },
  }
  const program = new Command('stint')
    .description('Long jobs on short-lived functions.')
    .version(project.version)
    .enablePositionalOptions()
    .addHelpText('after', AFTER)
  configure(program)
  addAccount(program, cli)
  addSubmit(program, cli)
  addWatch(program, cli)
  addJobs(program, cli)
  addJobChanges(program, cli)
  addCounts(program, cli)
  addFailures(program, cli)
  addLogs(program, cli)
  addFiles(program, cli)
  addDeviceModels(program, cli)
  addSchedules(program, cli)
  addQueues(program, cli)
  addProjects(program, cli)
  addKeys(program, cli)
  addAudit(program, cli)
  addSystem(program, cli)
  addShell(program, cli, run)
  addDoctor(program, io, cli.exit)
  addAdmin(program, io)
  addJson(program)
  try {
    await Promise.race([program.parseAsync(args, { from: 'user' }), interruption(io)])
    return exitCode
  } catch (error) {
    const explained = explain(error, io.env)
    if (!explained) throw error
    if (explained.message) io.err(explained.message)
    return explained.exitCode
  }
}

/** These print for people, or have a form of their own. */
const WITHOUT_JSON = ['shell', 'submit']

/** Gives each command `--json`, except those that say more of it themselves. */
const addJson = (command: Command): void => {
  for (const inner of command.commands) addJson(inner)
  const hasJson = WITHOUT_JSON.includes(command.name()) || command.options.some(({ long }) => long === '--json')
  if (command.commands.length === 0 && !hasJson) command.addOption(new Option('--json', 'print JSON'))
}

/** Ctrl-C ends a command whatever it waits for: an answer that doesn't come, or standard input. */
const interruption = ({ signal }: Io): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
