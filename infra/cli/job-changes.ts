import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { CallOf } from '../../lib/client/api.ts'
import { cancelAll } from '../../lib/client/cancel-all.ts'
import type { Cli } from './cli.ts'
import { explain } from './explain.ts'
import { CommandError, EXIT } from './io.ts'
import { type JsonOption, OWN_PROJECT } from './options.ts'
import { print, toJson } from './print.ts'
import { type Session, signedIn } from './session.ts'
import { wholeNumber } from './whole-number.ts'

type Change = NonNullable<CallOf<Api['PATCH /jobs/{jobId}']>['body']>
type Cancellation = NonNullable<CallOf<Api['POST /jobs/cancel']>['body']>

/** `stint change`, `cancel`, `retry`, `delete`. */
export const addJobChanges = (program: Command, cli: Cli): void => {
  const { io } = cli
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
    .action((ids: string[], { json, ...given }: Change & JsonOption) => {
      if (Object.keys(given).length === 0) throw new CommandError('Say what to change: --help', EXIT.usage)
      const body = { ...given, ...(given.expiresAt === 'never' && { expiresAt: null }) }
      return eachJob(cli, ids, { json }, async (client, jobId) => {
        const { job } = await client.call('PATCH /jobs/{jobId}', { params: { jobId }, body })
        return { job, done: `is ${job.state}, due ${job.startAt}` }
      })
    })
  program
    .command('cancel')
    .argument('[id...]')
    .description('cancel jobs by id, all in a state, or a tree; a running job stops at its next safe point')
    .option('--state <state>', 'all jobs that are blocked, queued or running')
    .option('--kind <kind>', 'only those of this kind')
    .option('--queue <queue>')
    .option('--tag <tag>')
    .option('--submitted-by <id>', 'only those that this job submitted')
    .option('--tree <id>', 'this job, those that it submitted, those that these submitted, and so on')
    .addOption(OWN_PROJECT)
    .action(async (ids: string[], { json, ...filter }: Cancellation & JsonOption) => {
      const options = { json }
      if (ids.length > 0 ? Object.keys(filter).length > 0 : (filter.state ?? filter.tree) === undefined)
        throw new CommandError('Say which: ids, --tree, or --state with what else they have in common', EXIT.usage)
      if (ids.length === 0) {
        const { client } = await signedIn(io)
        const cancelled = await cancelAll(() => client.call('POST /jobs/cancel', { body: filter }))
        const told = filter.tree
          ? 'cancelled, or told to stop'
          : filter.state === 'running'
            ? 'told to stop'
            : 'cancelled'
        return print(io, options, { cancelled }, (it) => `${it.cancelled} ${told}`)
      }
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
    .action((ids: string[], { fromStart = false, ...options }: JsonOption & { fromStart?: boolean }) =>
      eachJob(cli, ids, options, async (client, jobId) => {
        const { job } = await client.call('POST /jobs/{jobId}/retry', { params: { jobId }, body: { fromStart } })
        return { job, done: `is ${job.state}` }
      }),
    )
  program
    .command('delete')
    .argument('<id...>')
    .description('delete jobs that have ended, with their logs and events')
    .action((ids: string[], options: JsonOption) =>
      eachJob(cli, ids, options, async (client, jobId) => {
        await client.call('DELETE /jobs/{jobId}', { params: { jobId } })
        return { job: { id: jobId }, done: 'is deleted' }
      }),
    )
}

/** Does the same to each job. If one is refused, the others are still done. */
const eachJob = async (
  { io, exit }: Cli,
  ids: string[],
  { json = false }: JsonOption,
  act: (client: Session['client'], jobId: string) => Promise<{ job: unknown; done: string }>,
): Promise<void> => {
  const { client } = await signedIn(io)
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
