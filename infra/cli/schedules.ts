import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { AnswerOf } from '../../lib/client/api.ts'
import type { Cli } from './cli.ts'
import type { Io } from './io.ts'
import { readInput } from './kind-flags.ts'
import { harmless, paint, print, table } from './print.ts'
import { all, signedIn } from './session.ts'
import { wholeNumber } from './whole-number.ts'

type Schedule = AnswerOf<Api['GET /schedules']>['body']['items'][number]

interface Creation {
  input?: string
  timeZone: string
  expiresInSeconds?: number
  projectId?: string
  json?: boolean
}

/** `stint schedules`. */
export const addSchedules = (program: Command, { io }: Cli): void => {
  const schedules = program.command('schedules').description('jobs that come at certain times')
  schedules
    .command('list', { isDefault: true })
    .description('schedules, newest first, with their next time')
    .option('--project-id <id>')
    .option('--json', 'print JSON')
    .action(async ({ projectId, ...options }: { projectId?: string; json?: boolean }) => {
      const { client } = await signedIn(io)
      const items = await all(client.each('GET /schedules', { query: { projectId } }))
      print(io, options, items, (rows) => toTable(io, rows))
    })
  schedules
    .command('create')
    .argument('<name>')
    .argument('<cron>', 'minute, hour, day of month, month, day of week: "30 2 * * *"')
    .argument('<kind>')
    .description('have a job submitted at certain times')
    .option('--input <json>', 'the jobs’ input as JSON, @file or -')
    .option('--time-zone <zone>', 'IANA, as Europe/Berlin', 'UTC')
    .addOption(
      new Option(
        '--expires-in-seconds <integer>',
        'a job is cancelled if it has not started so long after its time',
      ).argParser(wholeNumber(1)),
    )
    .option('--project-id <id>')
    .option('--json', 'print JSON')
    .action(async (name: string, cron: string, kind: string, { input, json, ...settings }: Creation) => {
      const { client } = await signedIn(io)
      const body = { name, cron, kind, input: await readInput(input), ...settings }
      const { schedule } = await client.call('POST /schedules', { body })
      print(io, { ...(json && { json }) }, schedule, (it) => `${it.id}  next at ${it.nextRuns[0]}`)
    })
  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    schedules
      .command(verb)
      .argument('<id>')
      .description(paused ? 'let its times pass' : 'go on with its next time')
      .option('--json', 'print JSON')
      .action(async (scheduleId: string, options: { json?: boolean }) => {
        const { client } = await signedIn(io)
        const params = { scheduleId }
        const { schedule } = await client.call('PATCH /schedules/{scheduleId}', { params, body: { paused } })
        print(
          io,
          options,
          schedule,
          ({ name, nextRuns }) => `${harmless(name)} ${paused ? 'is paused' : `comes next at ${nextRuns[0]}`}.`,
        )
      })
  }
  schedules
    .command('delete')
    .argument('<id>')
    .description('end a schedule; its jobs stay')
    .action(async (scheduleId: string) => {
      await (await signedIn(io)).client.call('DELETE /schedules/{scheduleId}', { params: { scheduleId } })
      io.out(`${scheduleId} is deleted.`)
    })
}

const toTable = (io: Io, schedules: readonly Schedule[]): string => {
  if (schedules.length === 0) return 'No schedules.'
  return table([
    ['ID', 'CRON', 'ZONE', 'KIND', 'NEXT', 'NAME'].map((it) => paint(io, 'dim', it)),
    ...schedules.map((it) => [
      it.id,
      harmless(it.cron),
      harmless(it.timeZone),
      it.kind,
      it.paused ? 'paused' : (it.nextRuns[0] ?? '–'),
      harmless(it.name),
    ]),
  ])
}
