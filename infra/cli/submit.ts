import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { CallOf } from '../../lib/client/api.ts'
import type { Cli } from './cli.ts'
import { CommandError, EXIT } from './io.ts'
import { asFlags, inputOf, type Kind, kindCommand, readInput } from './kind-flags.ts'
import { type JsonOption, OWN_PROJECT } from './options.ts'
import { harmless, print } from './print.ts'
import { type Session, signedIn } from './session.ts'
import { upload } from './upload.ts'
import { watchJobs } from './watch.ts'
import { wholeNumber } from './whole-number.ts'

/** What the API takes beside the kind and its input. */
type Settings = Omit<CallOf<Api['POST /jobs']>['body'], 'kind' | 'input'>

interface Options extends JsonOption {
  input?: string
  file?: string
  watch?: boolean
  idempotencyKey?: string
  projectId?: string
  /** The other settings, and the kind's fields. */
  [name: string]: unknown
}

/** `stint submit KIND …`: the flags are the kind's fields, by its schema in the API. */
export const addSubmit = (program: Command, cli: Cli): void => {
  program
    .command('submit')
    .argument('[kind]', 'one of `stint kinds`')
    .argument('[flags...]', 'the kind’s fields: `stint submit KIND --help` lists them')
    .description('submit a job')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (name: string | undefined, flags: string[]) => {
      if (name === undefined || name.startsWith('-')) {
        cli.io.out(`${helpOfAnyKind()}\n${HINT}`)
        if (name === undefined || !/^(-h|--help)$/.test(name)) cli.exit(EXIT.usage)
        return
      }
      await submitKind(cli, name, flags)
    })
  program
    .command('kinds')
    .argument('[kind]', 'show what this kind takes')
    .description('list the kinds of job')
    .action(async (name: string | undefined, options: JsonOption) => {
      if (name !== undefined && !options.json) return submitKind(cli, name, ['--help'])
      const { items } = await (await signedIn(cli.io)).client.call('GET /job-kinds')
      const asked = items.filter((it) => name === undefined || it.kind === name)
      print(cli.io, options, asked, (all) =>
        all.map((it) => `${it.kind.padEnd(24)} ${harmless(it.summary)}`).join('\n'),
      )
    })
}

const HINT = `The input: the kind’s fields are flags, too.
  stint kinds                    what kinds there are
  stint submit math.pi --help    what a kind takes
  stint submit math.pi --digits 1000 --watch`

const helpOfAnyKind = (): string => {
  const { command } = kindCommand({ kind: 'KIND', summary: 'submit a job', input: {} }, addCommon)
  return command.name('stint submit KIND').usage('[flags]').helpInformation()
}

const submitKind = async (cli: Cli, name: string, flags: string[]): Promise<void> => {
  const session = await signedIn(cli.io)
  const { items } = await session.client.call('GET /job-kinds')
  const kind = items.find((it) => it.kind === name)
  if (!kind) {
    const known = items.map((it) => `  ${it.kind}`).join('\n')
    throw new CommandError(`There is no kind ${name}. There are\n${known}`, EXIT.usage)
  }
  const { command, fields } = kindCommand(kind, addCommon)
  cli.configure(command.name(`stint submit ${name}`).usage('[flags]'))
  command.action(async (options: Options) => {
    await send(cli, session, kind, { options, fields })
  })
  await command.parseAsync(asFlags(command, flags), { from: 'user' })
}

const collect = (text: string, before: string[] = []): string[] => [...before, text]

const addCommon = (command: Command): void => {
  command
    .option('--watch', 'show its progress until it ends')
    .option('--json', 'print the job as JSON')
    .option('--input <json>', 'the input as JSON, @file or -; flags take precedence')
    .option('--file <path>', 'upload a local file for the job')
    .option('--name <text>', 'a name to show')
    .addOption(OWN_PROJECT)
    .addOption(new Option('--priority <integer>', '-10 to 10; the highest runs first').argParser(wholeNumber()))
    .addOption(new Option('--delay-seconds <integer>', 'start this much later').argParser(wholeNumber()))
    .option('--run-at <time>', 'start no earlier (RFC 3339)')
    .addOption(
      new Option('--expires-in-seconds <integer>', 'cancel it if it has not started after this time').argParser(
        wholeNumber(1),
      ),
    )
    .option('--expires-at <time>', 'cancel it if it has not started by then (RFC 3339)')
    .option('--after <id>', 'run after this job; can be repeated', collect)
    .addOption(
      new Option(
        '--on-parent-failure <what>',
        'if one of those does not succeed: fail (default), run anyway, or skip (cancel)',
      ).choices(['fail', 'run', 'skip']),
    )
    .option('--tags <tag>', 'can be repeated', collect)
    .addOption(new Option('--max-attempts <integer>').argParser(wholeNumber()))
    .addOption(new Option('--timeout-seconds <integer>', 'running time over all stints').argParser(wholeNumber()))
    .option('--unique-key <key>', 'at most one job of the project that has not ended has this key')
    .addOption(
      new Option(
        '--unique-for-seconds <integer>',
        'keep the key for at least this long, even if the job ends',
      ).argParser(wholeNumber()),
    )
    .addOption(
      new Option(
        '--on-duplicate <what>',
        'if another job has the key: return that job (default), or replace it while it is queued',
      ).choices(['return', 'replace']),
    )
    .option('--idempotency-key <key>', 'submitting again within 24 h returns the same job')
}

const send = async (
  cli: Cli,
  { client, ...session }: Session,
  kind: Kind,
  { options, fields }: { options: Options; fields: Map<string, string> },
): Promise<void> => {
  const { input: base, file, watch, json, idempotencyKey, ...rest } = options
  const input = inputOf(options, fields, await readInput(base))
  if (file !== undefined) input[fileField(kind)] = await upload(client, file, options.projectId)
  const settings = Object.fromEntries(Object.entries(rest).filter(([name]) => !fields.has(name))) as Settings
  const body = { kind: kind.kind, input, ...settings }
  const answer = await client.answer('POST /jobs', { body, idempotencyKey })
  const { job } = answer.body
  if (answer.headers.has('stint-duplicate')) cli.io.err('Another job has the unique key: it is this one.')
  cli.submitted(job.id)
  if (!watch || !json) print(cli.io, options, job, () => `${job.id}  ${job.kind}  ${job.state}`)
  if (watch) cli.exit(await watchJobs(cli.io, { client, ...session }, [job.id], { json: json === true }))
}

/** The field that takes an uploaded file. */
const fileField = ({ kind, input }: Kind): string => {
  const names = Object.keys((input['properties'] ?? {}) as object)
  const field = names.find((it) => it === 'fileId') ?? names.find((it) => /FileId$/.test(it))
  if (field === undefined) throw new CommandError(`--file: ${kind} takes no file`, EXIT.usage)
  return field
}
