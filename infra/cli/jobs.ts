import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { AnswerOf, CallOf } from '../../lib/client/api.ts'
import { waitingSentence } from '../../lib/client/waiting-sentence.ts'
import { STATE_COLOURS } from '../demo/bars.ts'
import type { Cli } from './cli.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import { ago, duration, harmless, harmlessLine, harmlessLines, paint, percent, print, table, toJson } from './print.ts'
import { first, signedIn } from './session.ts'
import { wholeNumber } from './whole-number.ts'

type Job = AnswerOf<Api['GET /jobs']>['body']['items'][number]
type Explained = AnswerOf<Api['GET /jobs/{jobId}']>['body']['job']
type Change = NonNullable<CallOf<Api['PATCH /jobs/{jobId}']>['body']>
type Cancellation = NonNullable<CallOf<Api['POST /jobs/cancel']>['body']>
type Filter = NonNullable<CallOf<Api['GET /jobs']>['query']>

/** `stint jobs`, `job`, `change`, `cancel`, `retry`, `delete`. */
export const addJobs = (program: Command, cli: Cli): void => {
  const { io } = cli
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
    .option('--project-id <id>')
    .addOption(new Option('--limit <integer>', 'at most so many').argParser(wholeNumber(1)).default(20))
    .option('--json', 'print JSON')
    .action(async ({ limit, json, ...filter }: Filter & { limit: number; json?: boolean }) => {
      const { client } = await signedIn(io)
      const none = Object.keys(filter).length > 0 ? 'No matching jobs.' : 'No jobs yet. Submit one: stint submit --help'
      print(io, { ...(json && { json }) }, await newest(client, filter, limit), (jobs) =>
        jobs.length > 0 ? toTable(io, jobs) : none,
      )
    })
  program
    .command('job')
    .argument('<id>')
    .description('show a job: its input, its result, and why it waits')
    .option('--json', 'print JSON')
    .action(async (jobId: string, options: { json?: boolean }) => {
      const { client } = await signedIn(io)
      const { job } = await client.call('GET /jobs/{jobId}', { params: { jobId } })
      print(io, options, job, (it) => describe(io, it))
    })
  program
    .command('change')
    .argument('<id...>')
    .description('change waiting jobs; `--delay-seconds 0` starts them as soon as possible')
    .option('--name <text>', 'a name to show')
    .addOption(new Option('--priority <integer>', '-10 to 10; the highest runs first').argParser(wholeNumber()))
    .addOption(new Option('--delay-seconds <integer>', 'not before that, from now').argParser(wholeNumber()))
    .option('--run-at <time>', 'start no earlier (RFC 3339)')
    .addOption(
      new Option('--expires-in-seconds <integer>', 'cancelled if it has not started by then').argParser(wholeNumber(1)),
    )
    .option('--expires-at <time>', 'cancel it if it has not started by then (RFC 3339); `never` removes this')
    .option('--tags <tag...>', 'replace their tags')
    .addOption(new Option('--max-attempts <integer>').argParser(wholeNumber()))
    .addOption(new Option('--timeout-seconds <integer>', 'running time over all stints').argParser(wholeNumber()))
    .option('--json', 'print JSON')
    .action((ids: string[], { json, ...given }: Change & { json?: boolean }) => {
      if (Object.keys(given).length === 0) throw new CommandError('Say what to change: --help', EXIT.usage)
      const body = { ...given, ...(given.expiresAt === 'never' && { expiresAt: null }) }
      return eachJob(cli, ids, { ...(json && { json }) }, async (client, jobId) => {
        const { job } = await client.call('PATCH /jobs/{jobId}', { params: { jobId }, body })
        return { job, done: `is ${job.state}, due ${job.startAt}` }
      })
    })
  program
    .command('cancel')
    .argument('[id...]')
    .description('cancel jobs by id, or all in a state; a running job stops at its next safe point')
    .option('--state <state>', 'all jobs that are blocked, queued or running')
    .option('--kind <kind>', 'only those of this kind')
    .option('--queue <queue>')
    .option('--tag <tag>')
    .option('--project-id <id>', 'default: your own project')
    .option('--json', 'print JSON')
    .action(async (ids: string[], { json, ...filter }: Cancellation & { json?: boolean }) => {
      const options = { ...(json && { json }) }
      if (Object.keys(filter).length > 0 === ids.length > 0)
        throw new CommandError('Say which: ids, or --state with what else they have in common', EXIT.usage)
      if (ids.length === 0)
        return print(
          io,
          options,
          await cancelAll(io, filter),
          (it) => `${it.cancelled} ${filter.state === 'running' ? 'told to stop' : 'cancelled'}`,
        )
      await eachJob(cli, ids, options, async (client, jobId) => {
        const { job } = await client.call('POST /jobs/{jobId}/cancel', { params: { jobId } })
        return { job, done: job.state === 'running' ? 'is told to stop' : 'is cancelled' }
      })
    })
  program
    .command('retry')
    .argument('<id...>')
    .description('run failed or cancelled jobs again')
    .option('--from-start', 'without their checkpoints, and submitting their jobs again')
    .option('--json', 'print JSON')
    .action((ids: string[], { fromStart = false, ...options }: { json?: boolean; fromStart?: boolean }) =>
      eachJob(cli, ids, options, async (client, jobId) => {
        const { job } = await client.call('POST /jobs/{jobId}/retry', { params: { jobId }, body: { fromStart } })
        return { job, done: `is ${job.state}` }
      }),
    )
  addDelete(program, cli)
}

/** `stint delete`. */
const addDelete = (program: Command, cli: Cli): void => {
  program
    .command('delete')
    .argument('<id...>')
    .description('delete jobs that have ended, with their logs and events')
    .option('--json', 'print JSON')
    .action((ids: string[], options: { json?: boolean }) =>
      eachJob(cli, ids, options, async (client, jobId) => {
        await client.call('DELETE /jobs/{jobId}', { params: { jobId } })
        return { job: { id: jobId }, done: 'is deleted' }
      }),
    )
}

type Client = Awaited<ReturnType<typeof signedIn>>['client']

/** A thousand at a time, until there are no more. */
const cancelAll = async (io: Io, body: Cancellation): Promise<{ cancelled: number }> => {
  const { client } = await signedIn(io)
  let cancelled = 0
  for (;;) {
    const done = await client.call('POST /jobs/cancel', { body })
    cancelled += done.cancelled
    if (!done.more) return { cancelled }
  }
}

/** A page holds a hundred at most, and may hold none although there are more. */
const newest = (client: Client, filter: Filter, count: number): Promise<Job[]> =>
  first(count, client.each('GET /jobs', { query: { ...filter, limit: Math.min(count, 100) } }))

/** The same to each, as far as it goes: what is refused for one job must not keep it from the others. */
const eachJob = async (
  { io, exit }: Cli,
  ids: string[],
  { json = false }: { json?: boolean },
  act: (client: Client, jobId: string) => Promise<{ job: unknown; done: string }>,
): Promise<void> => {
  const { client } = await signedIn(io)
  const { explain } = await import('./explain.ts')
  const jobs: unknown[] = []
  for (const id of new Set(ids)) {
    try {
      const { job, done } = await act(client, id)
      jobs.push(job)
      if (!json) io.out(`${id} ${done}`)
    } catch (error) {
      const explained = explain(error)
      if (!explained || explained.exitCode !== EXIT.refused) throw error
      io.err(`${id}: ${explained.message}`)
      exit(explained.exitCode)
    }
  }
  if (json) io.out(toJson(jobs, 2))
}

const toTable = (io: Io, jobs: readonly Job[]): string => {
  const someRun = jobs.some((job) => job.state === 'running')
  const someFailed = jobs.some((job) => job.error !== null)
  const more = [...(someRun ? ['RUNS FOR'] : []), ...(someFailed ? ['ERROR'] : [])]
  const head = ['ID', 'KIND', 'STATE', 'DONE', 'QUEUED', ...more, 'NAME']
  return table([
    head.map((it) => paint(io, 'dim', it)),
    ...jobs.map((job) => [
      job.id,
      job.kind,
      paint(io, STATE_COLOURS[job.state], job.state),
      percent(job.progress),
      `${ago(job.queuedAt)} ago`,
      ...(someRun ? [job.state === 'running' ? ago(job.stintStartedAt) : ''] : []),
      ...(someFailed ? [harmless(job.error?.code ?? '')] : []),
      harmless(job.name ?? ''),
    ]),
  ])
}

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
