import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { AnswerOf } from '../../lib/client/api.ts'
import { PROCESS_ACTIONS } from '../../lib/system/host-control.ts'
import type { Cli } from './cli.ts'
import type { Io } from './io.ts'
import type { JsonOption } from './options.ts'
import { ago, duration, harmless, harmlessLines, listing, paint, percent, print, size, table } from './print.ts'
import { signedIn } from './session.ts'
import { wholeNumber } from './whole-number.ts'

type System = AnswerOf<Api['GET /system']>['body']
type Process = AnswerOf<Api['GET /system/processes']>['body']['items'][number]

/** `stint system`, `stint processes`. */
export const addSystem = (program: Command, { io }: Cli): void => {
  program
    .command('system')
    .description('the machine that answers: CPU load, memory, disk; and the state of each component')
    .action(async (options: JsonOption) => {
      const system = await (await signedIn(io)).client.call('GET /system')
      print(io, options, system, (it) => toText(io, it))
    })
  addProcesses(program, io)
}

const addProcesses = (program: Command, io: Io): void => {
  const processes = program.command('processes').description('the processes of `npm start` (admin)')
  processes
    .command('list', { isDefault: true })
    .description('each with its state')
    .action(async (options: JsonOption) => {
      const { items } = await (await signedIn(io)).client.call('GET /system/processes')
      print(io, options, items, (rows) => toTable(io, rows))
    })
  processes
    .command('logs')
    .argument('<name>')
    .description('the end of its log')
    .addOption(new Option('--lines <integer>', 'how many').argParser(wholeNumber(1)).default(100))
    .action(async (name: string, { lines, ...options }: { lines: number; json?: boolean }) => {
      const { client } = await signedIn(io)
      const answer = await client.call('GET /system/processes/{name}/logs', { params: { name }, query: { lines } })
      print(io, options, answer.lines, (all) => harmlessLines(all.join('\n')))
    })
  for (const action of PROCESS_ACTIONS) {
    processes
      .command(action)
      .argument('<name>')
      .description(DESCRIPTIONS[action])
      .action(async (name: string, options: JsonOption) => {
        const { client } = await signedIn(io)
        const { process } = await client.call(`POST /system/processes/{name}/${action}`, { params: { name } })
        print(io, options, process, (it) => `${it.name} is told to ${action}.`)
      })
  }
}

const DESCRIPTIONS = {
  start: 'start one that was stopped',
  stop: 'stop one until it is started',
  restart: 'restart one; jobs that run there go on elsewhere',
} as const

const toText = (io: Io, { components, machine, versions }: System): string => {
  const { cpus, cpuBusy, loadAverage, memory, disk } = machine
  const facts = [
    ['CPU', `${percent(cpuBusy)} of ${cpus} in use, load ${loadAverage.map((it) => it.toFixed(2)).join(' ')}`],
    ['memory', `${size(memory.availableBytes)} of ${size(memory.totalBytes)} available`],
    ['disk', `${size(disk.freeBytes)} of ${size(disk.totalBytes)} free`],
    ['up', duration(machine.uptimeSeconds * 1_000)],
    ['versions', `stint ${versions.stint}, node ${versions.node}, postgres ${versions.postgres ?? '–'}`],
    ...components.map((it) => [
      it.name,
      it.status === 'up' ? paint(io, 'green', 'up') : paint(io, 'red', `down: ${harmless(it.error ?? 'no answer')}`),
    ]),
  ]
  return table(facts.map(([name = '', value = '']) => [paint(io, 'dim', name), value]))
}

const toTable = (io: Io, processes: readonly Process[]): string =>
  listing(io, processes, null, {
    NAME: (it) => it.name,
    STATE: (it) => paint(io, it.state === 'up' ? 'green' : 'red', it.state),
    PID: (it) => String(it.pid ?? '–'),
    PORT: (it) => String(it.port ?? '–'),
    STARTED: (it) => (it.startedAt === null ? '–' : `${ago(it.startedAt)} ago`),
    RESTARTS: (it) => String(it.restarts),
  })
