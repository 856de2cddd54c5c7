import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { ItemOf } from '../../lib/client/api.ts'
import type { Cli } from './cli.ts'
import type { Io } from './io.ts'
import type { ProjectOption } from './options.ts'
import { harmless, listing, print, toJson } from './print.ts'
import { ownProject } from './projects.ts'
import { first, signedIn } from './session.ts'
import { wholeNumber } from './whole-number.ts'

type Entry = ItemOf<Api['GET /audit']>

interface Options extends ProjectOption {
  everywhere?: boolean
  limit: number
}

/** `stint audit`. */
export const addAudit = (program: Command, { io }: Cli): void => {
  program
    .command('audit')
    .description('who did what in a project, newest first (maintainer)')
    .addOption(new Option('--project-id <id>', 'default: your own project').conflicts('everywhere'))
    .option('--everywhere', 'in all projects, and outside of them (admin)')
    .addOption(new Option('--limit <integer>', 'at most so many').argParser(wholeNumber(1)).default(20))
    .action(async ({ projectId, everywhere, limit, ...options }: Options) => {
      const session = await signedIn(io)
      const query = { limit: Math.min(limit, 100) }
      const entries = everywhere
        ? session.client.each('GET /audit', { query })
        : session.client.each('GET /projects/{projectId}/audit', {
            params: { projectId: projectId ?? (await ownProject(session)) },
            query,
          })
      print(io, options, await first(limit, entries), (rows) => toTable(io, rows))
    })
}

const toTable = (io: Io, entries: readonly Entry[]): string =>
  listing(io, entries, 'Nothing yet. Submitted jobs are not listed here.', {
    TIME: (it) => it.createdAt.slice(0, 19).concat('Z'),
    ACTION: (it) => it.action,
    BY: (it) => `${harmless(it.userName ?? 'command line')}${it.apiKeyId === null ? '' : ' (key)'}`,
    FROM: (it) => it.ip ?? '–',
    TARGET: (it) => harmless(it.target),
    DETAILS: (it) => (Object.keys(it.data).length === 0 ? '' : toJson(it.data)),
  })
