import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { AnswerOf } from '../../lib/client/api.ts'
import { isAway } from '../../lib/client/problem-error.ts'
import { hasEnded } from '../../lib/jobs/states.ts'
import type { Cli } from './cli.ts'
import type { Io } from './io.ts'
import { harmlessLines, paint, toJson } from './print.ts'
import { type Session, signedIn } from './session.ts'

type Line = AnswerOf<Api['GET /jobs/{jobId}/logs']>['body']['items'][number]

/** Lines are saved once a second. */
const FOLLOW_MS = 1_000

/** `stint logs ID`: what a job logged, and with `-f` what it logs until it ends. */
export const addLogs = (program: Command, { io }: Cli): void => {
  program
    .command('logs')
    .argument('<id>')
    .description('show the log of a job')
    .option('-f, --follow', 'follow it until the job has ended')
    .option('--json', 'print each line as a line of JSON')
    .action(async (jobId: string, { follow = false, json = false }: { follow?: boolean; json?: boolean }) => {
      const session = await signedIn(io)
      const say = (line: Line) => io.out(json ? toJson(line) : toText(io, line))
      await printLogs(io, session, jobId, { follow, say })
    })
}

const printLogs = async (
  io: Io,
  { client }: Session,
  jobId: string,
  { follow, say }: { follow: boolean; say: (line: Line) => void },
): Promise<void> => {
  const params = { jobId }
  let last = 0
  /** The cursor of the page that may still grow. */
  let cursor: string | undefined
  const sayNew = async (): Promise<boolean> => {
    // The state is asked for first: if the job has ended by then, the lines read next are all there are.
    const { job } = await client.call('GET /jobs/{jobId}', { params })
    for (let more = true; more; ) {
      const query = { limit: 100, ...(cursor !== undefined && { cursor }) }
      const { items, nextCursor } = await client.call('GET /jobs/{jobId}/logs', { params, query })
      for (const line of items.filter(({ id }) => id > last)) {
        say(line)
        last = line.id
      }
      more = nextCursor !== null
      cursor = nextCursor ?? cursor
    }
    return hasEnded(job.state)
  }
  let isOver = await sayNew()
  while (follow && !isOver) {
    await sleep(FOLLOW_MS, undefined, io.signal && { signal: io.signal })
    // The API was there before, so it will come back.
    isOver = await sayNew().catch((error: unknown) => {
      if (isAway(error)) return false
      throw error
    })
  }
}

const LEVEL_COLOURS = { debug: 'dim', info: 'reset', warn: 'yellow', error: 'red' } as const

const toText = (io: Io, { createdAt, stint, level, message, data }: Line): string => {
  const colour = LEVEL_COLOURS[level as keyof typeof LEVEL_COLOURS] ?? 'reset'
  const rest = data === null || data === undefined ? '' : ` ${paint(io, 'dim', toJson(data))}`
  return `${paint(io, 'dim', createdAt)} ${String(stint).padStart(3)} ${paint(io, colour, level.padEnd(5))} ${harmlessLines(message)}${rest}`
}
