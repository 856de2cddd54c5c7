import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { AnswerOf, CallOf } from '../../lib/client/api.ts'
import { waitingSentence } from '../../lib/client/waiting-sentence.ts'
import { STATE_COLOURS } from './bar.ts'
import type { Cli } from './cli.ts'
import type { Io } from './io.ts'
import { ALL_PROJECTS, type JsonOption } from './options.ts'
import {
  ago,
  duration,
  harmless,
  harmlessLine,
  harmlessLines,
  listing,
  paint,
  percent,
  print,
  table,
  toJson,
} from './print.ts'
import { first, type Session, signedIn } from './session.ts'
import { wholeNumber } from './whole-number.ts'

type Job = AnswerOf<Api['GET /jobs']>['body']['items'][number]
type Explained = AnswerOf<Api['GET /jobs/{jobId}']>['body']['job']
type Filter = NonNullable<CallOf<Api['GET /jobs']>['query']>

/** `stint jobs`, `job`. */
export const addJobs = (program: Command, { io }: Cli): void => {
  program
    .command('jobs')
    .description('list jobs, newest first')
    .option('--state <state>', 'blocked, queued, running, succeeded, failed or cancelled')
    .option('--kind <kind>')
    .option('--queue <queue>')
    .option('--tag <tag>')
    .option('--submitted-by <id>', 'the job that submitted them')
    .option('--text <text>', 'contained in the name or the input')
    .option('--queued-after <time>', 'RFC 3339, as the following')
    .option('--queued-before <time>')
    .option('--finished-after <time>', 'ended at that time or later')
    .option('--finished-before <time>')
    .addOption(ALL_PROJECTS)
    .addOption(new Option('--limit <integer>', 'at most so many').argParser(wholeNumber(1)).default(20))
    .action(async ({ limit, json, ...filter }: Filter & JsonOption & { limit: number }) => {
      const { client } = await signedIn(io)
      const none = Object.keys(filter).length > 0 ? 'No matching jobs.' : 'No jobs yet. Submit one: stint submit --help'
      print(io, { json }, await newest(client, filter, limit), (jobs) => toTable(io, jobs, none))
    })
  program
    .command('job')
    .argument('<id>')
    .description('show a job: its input, its result, and why it waits')
    .action(async (jobId: string, options: JsonOption) => {
      const { client } = await signedIn(io)
      const { job } = await client.call('GET /jobs/{jobId}', { params: { jobId } })
      print(io, options, job, (it) => describe(io, it))
    })
}

/** A page has at most a hundred jobs, and may have none although there are more. */
const newest = (client: Session['client'], filter: Filter, count: number): Promise<Job[]> =>
  first(count, client.each('GET /jobs', { query: { ...filter, limit: Math.min(count, 100) } }))

const toTable = (io: Io, jobs: readonly Job[], none: string): string =>
  listing(io, jobs, none, {
    ID: (it) => it.id,
    KIND: (it) => it.kind,
    STATE: (it) => paint(io, STATE_COLOURS[it.state], it.state),
    DONE: (it) => percent(it.progress),
    QUEUED: (it) => `${ago(it.queuedAt)} ago`,
    ...(jobs.some((it) => it.state === 'running') && {
      'RUNS FOR': (it: Job) => (it.state === 'running' ? ago(it.stintStartedAt) : ''),
    }),
    ...(jobs.some((it) => it.error !== null) && { ERROR: (it: Job) => harmless(it.error?.code ?? '') }),
    NAME: (it) => harmless(it.name ?? ''),
  })

/** Most jobs take less than a second. */
const runTime = (ms: number): string => (ms < 1_000 ? `${ms} ms` : duration(ms))

const describe = (io: Io, job: Explained): string => {
  const { waitingBecause: waiting } = job
  const facts: [string, string | null][] = [
    ['id', job.id],
    ['kind', job.kind],
    ['name', job.name && harmless(job.name)],
    ['state', paint(io, STATE_COLOURS[job.state], job.state)],
    ['waits', waiting && harmless(waitingSentence(waiting, Date.now(), duration))],
    ['done', percent(job.progress)],
    ['attempt', `${job.attempt} of ${job.maxAttempts}, stint ${job.stint}`],
    ['queued', job.queuedAt],
    ['by job', job.submittedBy],
    ['expires', job.stint === 0 ? job.expiresAt : null],
    ['started', job.startedAt],
    ['safe point', job.lastSafePointAt],
    ['finished', job.finishedAt],
    ['ran', job.runMs > 0 ? runTime(job.runMs) : null],
    ['tags', job.tags.join(' ') || null],
    ['error', job.error && harmlessLine(`${job.error.code}: ${job.error.message}`)],
    ['input', toJson(job.input)],
    ['partial', job.partial === null ? null : toJson(job.partial)],
    ['result', job.result === null ? null : toJson(job.result)],
  ]
  const rows = table(facts.flatMap(([name, value]) => (value ? [[paint(io, 'dim', name), value]] : [])))
  return job.stack ? `${rows}\n\n${harmlessLines(job.stack)}` : rows
}
