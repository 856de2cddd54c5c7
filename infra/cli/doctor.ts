import type { Command } from 'commander'
import * as health from '../../db/queries/health.ts'
import { allKinds } from '../../functions/jobs/index.ts'
import type { App } from '../../lib/app.ts'
import type { Api } from '../../lib/doctor/api-check.ts'
import { type Examined, examine } from '../../lib/doctor/examine.ts'
import { QUEUES } from '../../lib/queue/doorbells.ts'
import { askHealth } from '../local/supervisor/health-of.ts'
import { withApp } from './connect.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import { harmless } from './print.ts'
import { findUrl, runningUrl } from './session.ts'

/** `stint doctor`: finds what is stuck, says how to repair it, and repairs it if asked to. */
export const addDoctor = (program: Command, io: Io, exit: (code: number) => void): void => {
  program
    .command('doctor')
    .description('find what is stuck: lost doorbells and leases, jobs that nobody picks up, unpublished events …')
    .option('--fix', 'repair what can be repaired without a decision', false)
    .option('--json', 'print the findings as JSON', false)
    .addHelpText('after', '\nExit codes: 0 healthy, 1 problems found, 2 Postgres or SQS cannot be reached')
    .action(async (options: { fix: boolean; json: boolean }) => {
      const examined = await withApp(io, async (app) => {
        await reach(app)
        return examine({ app, kinds: allKinds }, { fix: options.fix, api: await apiOf(io) })
      })
      io.out(options.json ? toJson(examined) : toText(examined, options))
      exit(examined.some((it) => it.ill) ? EXIT.found : EXIT.ok)
    })
}

/** The API takes up to 2 s for each component that doesn't answer it. */
const API_PATIENCE_MS = 10_000

/** The API of STINT_URL, or of the stack whose database is examined. A database alone doesn't say where its API is. */
const apiOf = async (io: Io): Promise<Api | undefined> => {
  const { STINT_URL, DATABASE_URL } = io.env
  if (!STINT_URL && DATABASE_URL) return undefined
  return {
    url: STINT_URL ? await findUrl(io) : (runningUrl(io.env) ?? null),
    askHealth: async (url) => {
      const health = await askHealth(url, AbortSignal.timeout(API_PATIENCE_MS)).catch((error) => {
        throw new Error(reasonOf(error.cause ?? error), { cause: error })
      })
      if (!health) throw new Error('it says nothing of its components')
      return health
    },
  }
}

const reach = async (app: App): Promise<void> => {
  const unreachable = (what: string) => (cause: unknown) => {
    throw new CommandError(`${what} cannot be reached: ${harmless(reasonOf(cause))}`, EXIT.unreachable, { cause })
  }
  await health.ping(app.sql).catch(unreachable('Postgres'))
  await Promise.all(QUEUES.map((queue) => app.queue.visible(queue))).catch(unreachable('SQS'))
}

/** An error about several addresses of one host has no message of its own. */
const reasonOf = (error: unknown): string => {
  const { message, code } = error as NodeJS.ErrnoException
  return message || code || String(error)
}

const toJson = (examined: Examined[]): string => {
  const findings = examined.flatMap(({ check, findings, fixed }) => findings.map((it) => ({ check, ...it, fixed })))
  return JSON.stringify({ healthy: !examined.some((it) => it.ill), findings }, null, 2)
}

const toText = (examined: Examined[], { fix }: { fix: boolean }): string => {
  const lines = examined.flatMap(({ check, findings, fixed, ill }) => [
    `${findings.length === 0 ? '✓' : ill ? '✗' : '✚'} ${check}`,
    ...findings.flatMap(({ what, remedy }) => [`    ${harmless(what)}`, `    remedy: ${harmless(remedy)}`]),
    ...(fixed === null ? [] : [`    done: ${harmless(fixed)}`]),
  ])
  const ill = examined.filter((it) => it.ill)
  if (ill.length === 0) return [...lines, '', 'Healthy.'].join('\n')
  const fixable = !fix && ill.some((it) => it.findings.some((finding) => finding.fixable))
  return [
    ...lines,
    '',
    fixable ? '`stint doctor --fix` repairs what needs no decision.' : 'What is left needs a decision.',
  ].join('\n')
}
