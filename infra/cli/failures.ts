import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { AnswerOf } from '../../lib/client/api.ts'
import type { Cli } from './cli.ts'
import type { Io } from './io.ts'
import { ALL_PROJECTS, type ProjectOption } from './options.ts'
import { ago, harmless, harmlessLine, listing, paint, print } from './print.ts'
import { signedIn } from './session.ts'
import { wholeNumber } from './whole-number.ts'

type Group = AnswerOf<Api['GET /failures']>['body']['items'][number]

interface Options extends ProjectOption {
  days: number
}

/** `stint failures`. */
export const addFailures = (program: Command, { io }: Cli): void => {
  program
    .command('failures')
    .description('failed jobs, grouped by cause, latest first; `queues redrive` runs them again')
    .addOption(new Option('--days <integer>', 'how far back').argParser(wholeNumber(1)).default(7))
    .addOption(ALL_PROJECTS)
    .action(async ({ projectId, days, ...options }: Options) => {
      const { client } = await signedIn(io)
      const { items } = await client.call('GET /failures', { query: { projectId, days } })
      print(io, options, items, (groups) => toTable(io, groups))
    })
}

const toTable = (io: Io, groups: readonly Group[]): string =>
  listing(io, groups, 'No failures.', {
    JOBS: (it) => String(it.count),
    FIRST: (it) => `${ago(it.firstAt)} ago`,
    LAST: (it) => `${ago(it.lastAt)} ago`,
    'LAST JOB': (it) => it.jobIds[0] ?? '–',
    KIND: (it) => it.kind,
    CODE: (it) => paint(io, 'red', harmless(it.code)),
    MESSAGE: (it) => harmlessLine(it.messagesDiffer ? it.message : it.latestMessage),
  })
