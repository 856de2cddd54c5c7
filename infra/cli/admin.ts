import type { Command } from 'commander'
import * as users from '../../db/queries/users.ts'
import { withDatabase } from './connect.ts'
import { CommandError, EXIT, type Io } from './io.ts'

/** `stint admin add|remove EMAIL`: the only way to become an admin. */
export const addAdmin = (program: Command, io: Io): void => {
  const admin = program.command('admin').description('say who may pause queues and redrive the jobs of everybody')
  const change = async (email: string, isAdmin: boolean): Promise<void> => {
    const user = await withDatabase(io, (sql) => users.setAdmin(sql, email, isAdmin))
    if (!user) throw new CommandError(`Nobody has registered with ${email}.`, EXIT.found)
    io.out(`${user.name} <${user.email}> ${isAdmin ? 'is an admin' : 'is no admin any more'}.`)
  }
  admin
    .command('add')
    .argument('<email>')
    .description('make somebody an admin')
    .action((email: string) => change(email, true))
  admin
    .command('remove')
    .argument('<email>')
    .description('make an admin a user like any other')
    .action((email: string) => change(email, false))
}
