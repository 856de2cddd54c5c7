import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { AnswerOf, CallOf } from '../../lib/client/api.ts'
import { cancelAll } from '../../lib/client/cancel-all.ts'
import type { Cli } from './cli.ts'
import type { Io } from './io.ts'
import type { JsonOption } from './options.ts'
import { duration, harmless, listing, paint, print } from './print.ts'
import { signedIn } from './session.ts'
import { wholeNumber } from './whole-number.ts'

type Queue = AnswerOf<Api['GET /queues']>['body']['items'][number]
type Redrive = NonNullable<CallOf<Api['POST /queues/{queue}/redrive']>['body']>
type Load = AnswerOf<Api['GET /queues/{queue}/load']>['body']['items'][number]
type Drain = NonNullable<CallOf<Api['POST /queues/{queue}/drain']>['body']>
type Redriven = AnswerOf<Api['POST /queues/{queue}/redrive']>['body']

/** `stint queues`. */
export const addQueues = (program: Command, { io }: Cli): void => {
  const queues = program.command('queues').description('queues and how many jobs wait and run in them')
  queues
    .command('list', { isDefault: true })
    .description('list the queues')
    .action(async (options: JsonOption) => {
      const { items } = await (await signedIn(io)).client.call('GET /queues')
      print(io, options, items, (all) => toTable(io, all))
    })
  for (const [verb, done] of [
    ['pause', 'is paused: what runs goes on to its end'],
    ['resume', 'is open again'],
  ] as const) {
    queues
      .command(verb)
      .argument('<queue>', 'default, compute or bulk')
      .description(verb === 'pause' ? 'start no more jobs of it (admin)' : 'start its jobs again (admin)')
      .action(async (name: Queue['name'], options: JsonOption) => {
        const { client } = await signedIn(io)
        const { queue } = await client.call(`POST /queues/{queue}/${verb}`, { params: { queue: name } })
        print(io, options, queue, (it) => `${it.name} ${done}.`)
      })
  }
  queues
    .command('redrive')
    .argument('<queue>', 'default, compute or bulk')
    .description('run its failed jobs again, oldest failure first (maintainer; without --project-id: admin)')
    .option('--project-id <id>', 'only those of this project')
    .option('--kind <kind>')
    .option('--tag <tag>')
    .option('--code <code>', 'only those that failed with this code')
    .option('--failed-after <time>', 'RFC 3339')
    .option('--failed-before <time>')
    .addOption(new Option('--limit <integer>', 'how many at most; default: 1000').argParser(wholeNumber(1)))
    .addOption(new Option('--per-second <number>', 'how many start per second').argParser(someNumber))
    .action(async (queue: Queue['name'], { json, ...body }: Redrive & JsonOption) => {
      const { client } = await signedIn(io)
      const answer = await client.call('POST /queues/{queue}/redrive', { params: { queue }, body })
      print(io, { json }, answer, (it) => toText(queue, it))
    })
  addLoad(queues, io)
}

/** What fills a queue, and how to empty it. */
const addLoad = (queues: Command, io: Io): void => {
  queues
    .command('load')
    .argument('<queue>', 'default, compute or bulk')
    .description('whose jobs wait and run in it, by project and kind, the most first (admin)')
    .action(async (queue: Queue['name'], options: JsonOption) => {
      const { client } = await signedIn(io)
      const { items } = await client.call('GET /queues/{queue}/load', { params: { queue } })
      print(io, options, items, (all) => toLoads(io, all))
    })
  queues
    .command('drain')
    .argument('<queue>', 'default, compute or bulk')
    .description('cancel the waiting jobs that a project has in it (maintainer, or admin)')
    .option('--project-id <id>', 'default: your own project')
    .option('--kind <kind>')
    .option('--tag <tag>')
    .action(async (queue: Queue['name'], { json, ...body }: Drain & JsonOption) => {
      const { client } = await signedIn(io)
      const cancelled = await cancelAll(() => client.call('POST /queues/{queue}/drain', { params: { queue }, body }))
      print(io, { json }, { cancelled }, (it) => `${it.cancelled} cancelled`)
    })
}

const toLoads = (io: Io, loads: readonly Load[]): string =>
  listing(io, loads, 'No job waits or runs in it.', {
    PROJECT: (it) => it.projectId,
    KIND: (it) => it.kind,
    QUEUED: (it) => String(it.queued),
    DELAYED: (it) => String(it.delayed),
    RUNNING: (it) => String(it.running),
    'OLDEST DUE': oldestDue,
    OWNER: (it) => harmless(it.ownerEmail ?? '–'),
    NAME: (it) => harmless(it.projectName ?? ''),
  })

const oldestDue = ({ oldestDueSeconds }: Pick<Queue, 'oldestDueSeconds'>): string =>
  oldestDueSeconds === null ? '–' : duration(oldestDueSeconds * 1_000)

const toText = (queue: string, { redriven, skipped }: Redriven): string => {
  const left = skipped > 0 ? [`Skipped, because other jobs have their unique keys: ${skipped}.`] : []
  return [`Failed jobs of ${queue} that run again: ${redriven}.`, ...left].join(' ')
}

const someNumber = (text: string): number => {
  if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text)
  throw new InvalidArgumentError('Expected a number')
}

const toTable = (io: Io, queues: readonly Queue[]): string => [toRows(io, queues), ...toldAge(io, queues)].join('\n')

/** Very many jobs are not counted anew for each request. */
const toldAge = (io: Io, [first]: readonly Queue[]): string[] =>
  first && first.countedSecondsAgo > 0
    ? [paint(io, 'dim', `counted ${duration(first.countedSecondsAgo * 1_000)} ago`)]
    : []

const toRows = (io: Io, queues: readonly Queue[]): string =>
  listing(io, queues, null, {
    QUEUE: (it) => it.name,
    QUEUED: (it) => String(it.queued),
    DELAYED: (it) => String(it.delayed),
    RUNNING: (it) => String(it.running),
    'OLDEST DUE': oldestDue,
    '': (it) => (it.paused ? paint(io, 'yellow', 'paused') : ''),
  })
