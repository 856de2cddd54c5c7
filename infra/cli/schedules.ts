import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { AnswerOf, CallOf } from '../../lib/client/api.ts'
import type { Cli } from './cli.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import { readInput } from './kind-flags.ts'
import { ALL_PROJECTS, type JsonOption, OWN_PROJECT, type ProjectOption } from './options.ts'
import { harmless, listing, print } from './print.ts'
import { signedIn } from './session.ts'
import { wholeNumber } from './whole-number.ts'

type Schedule = AnswerOf<Api['GET /schedules']>['body']['items'][number]

type Creation = NonNullable<CallOf<Api['POST /schedules']>['body']>
type Change = NonNullable<CallOf<Api['PATCH /schedules/{scheduleId}']>['body']>
/** The body as options give it: the input is still text. */
type Given<T> = Omit<T, 'input'> & { input?: string; json?: boolean }

/** `stint schedules`. */
export const addSchedules = (program: Command, { io }: Cli): void => {
  const schedules = program.command('schedules').description('jobs that are submitted at certain times')
  const told = ({ name, paused, nextRuns }: Schedule): string =>
    `${harmless(name)} ${paused ? 'is paused' : `runs next at ${nextRuns[0]}`}.`
  schedules
    .command('list', { isDefault: true })
    .description('list schedules, newest first, with their next run')
    .addOption(ALL_PROJECTS)
    .action(async ({ projectId, ...options }: ProjectOption) => {
      const { client } = await signedIn(io)
      const items = await Array.fromAsync(client.each('GET /schedules', { query: { projectId } }))
      print(io, options, items, (rows) => toTable(io, rows))
    })
  withSettings(schedules.command('create'), wholeNumber(1), 'integer')
    .argument('<name>')
    .argument('<cron>', CRON)
    .argument('<kind>')
    .description('create a schedule')
    .option('--input <json>', 'the jobs’ input as JSON, @file or -')
    .option('--time-zone <zone>', 'IANA name, such as Europe/Berlin', 'UTC')
    .addOption(OWN_PROJECT)
    .action(async (name: string, cron: string, kind: string, { input, json, ...settings }: Given<Creation>) => {
      const { client } = await signedIn(io)
      const body = { ...settings, name, cron, kind, input: await readInput(input) }
      const { schedule } = await client.call('POST /schedules', { body })
      print(io, { json }, schedule, (it) => `${it.id}  next at ${it.nextRuns[0]}`)
    })
  withSettings(schedules.command('change'), numberOrNever, 'integer or never')
    .argument('<id>')
    .description('change a schedule')
    .option('--name <text>', 'also the name of its jobs')
    .option('--cron <cron>', CRON)
    .option('--time-zone <zone>', 'IANA name, such as Europe/Berlin')
    .option('--kind <kind>')
    .option('--input <json>', 'the jobs’ input as JSON, @file or -')
    .action(async (scheduleId: string, { input, json, ...given }: Given<Omit<Change, 'expiresInSeconds'>> & Expiry) => {
      const { expiresInSeconds, ...settings } = given
      const body = {
        ...settings,
        ...(expiresInSeconds && { expiresInSeconds: expiresInSeconds === 'never' ? null : expiresInSeconds }),
        ...(input !== undefined && { input: await readInput(input) }),
      }
      if (Object.keys(body).length === 0) throw new CommandError('Say what to change: --help', EXIT.usage)
      const { client } = await signedIn(io)
      const { schedule } = await client.call('PATCH /schedules/{scheduleId}', { params: { scheduleId }, body })
      print(io, { json }, schedule, told)
    })
  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    schedules
      .command(verb)
      .argument('<id>')
      .description(paused ? 'pause a schedule' : 'resume a schedule with its next run')
      .action(async (scheduleId: string, options: JsonOption) => {
        const { client } = await signedIn(io)
        const params = { scheduleId }
        const { schedule } = await client.call('PATCH /schedules/{scheduleId}', { params, body: { paused } })
        print(io, options, schedule, told)
      })
  }
  schedules
    .command('delete')
    .argument('<id>')
    .description('delete a schedule; its jobs stay')
    .action(async (scheduleId: string, options: JsonOption) => {
      await (await signedIn(io)).client.call('DELETE /schedules/{scheduleId}', { params: { scheduleId } })
      print(io, options, { id: scheduleId }, ({ id }) => `${id} is deleted.`)
    })
}

const CRON = 'minute, hour, day of month, month, day of week: "30 2 * * *"'

interface Expiry {
  expiresInSeconds?: number | 'never'
}

const numberOrNever = (text: string): number | 'never' => (text === 'never' ? text : wholeNumber(1)(text))

/** The settings of a schedule's jobs. */
const withSettings = (command: Command, readExpiry: (text: string) => number | 'never', expiry: string): Command =>
  command
    .addOption(new Option('--priority <integer>', '-10 to 10, the highest first').argParser(wholeNumber()))
    .option('--tags <tag...>', 'of its jobs')
    .addOption(new Option('--max-attempts <integer>').argParser(wholeNumber()))
    .addOption(new Option('--timeout-seconds <integer>', 'running time over all stints').argParser(wholeNumber()))
    .addOption(
      new Option(
        `--expires-in-seconds <${expiry}>`,
        'a job is cancelled if it has not started this long after it was due',
      ).argParser(readExpiry),
    )
    .addOption(
      new Option(
        '--catch-up <what>',
        'of the times that were missed: skip them, one job for all, or a job each',
      ).choices(['skip', 'one', 'all']),
    )

const toTable = (io: Io, schedules: readonly Schedule[]): string =>
  listing(io, schedules, 'No schedules.', {
    ID: (it) => it.id,
    CRON: (it) => harmless(it.cron),
    ZONE: (it) => harmless(it.timeZone),
    KIND: (it) => it.kind,
    NEXT: (it) => (it.paused ? 'paused' : (it.nextRuns[0] ?? '–')),
    NAME: (it) => harmless(it.name),
  })
