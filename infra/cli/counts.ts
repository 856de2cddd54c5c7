import type { Command } from 'commander'
import { hasEnded, STATES } from '../../lib/jobs/states.ts'
import { STATE_COLOURS } from './bar.ts'
import type { Cli } from './cli.ts'
import { ALL_PROJECTS, type ProjectOption } from './options.ts'
import { paint, print, table } from './print.ts'
import { signedIn } from './session.ts'

/** `stint counts`. */
export const addCounts = (program: Command, { io }: Cli): void => {
  program
    .command('counts')
    .description('how many jobs are in each state')
    .addOption(ALL_PROJECTS)
    .action(async ({ projectId, ...options }: ProjectOption) => {
      const { client } = await signedIn(io)
      const { live, ended } = await client.call('GET /activity', { query: { projectId } })
      const { countedUpTo, ...waiting } = live
      const { atLeast, ...over } = ended
      const counts = { ...waiting, ...over }
      const more = STATES.filter((state) => (hasEnded(state) ? atLeast.includes(state) : counts[state] >= countedUpTo))
      print(io, options, { ...counts, atLeast: more }, () =>
        table(
          STATES.map((state) => [
            paint(io, STATE_COLOURS[state], state),
            `${counts[state]}${more.includes(state) ? ' or more' : ''}`,
          ]),
        ),
      )
    })
}
