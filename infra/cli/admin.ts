import type { Command } from 'commander'
import { type Pool, transaction } from '../../db/client.ts'
import * as users from '../../db/queries/users.ts'
import { audit } from '../../functions/use-cases/audit.ts'
import { canConfirm } from '../../functions/use-cases/email.ts'
import { withDatabase } from './connect.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import type { JsonOption } from './options.ts'
import { harmless, print } from './print.ts'

/** `stint admin add|remove EMAIL`: the only way to become an admin. */
export const addAdmin = (program: Command, io: Io): void => {
  const admin = program
    .command('admin')
    .description('add or remove admins, who may pause queues and redrive jobs of all projects')
  const change = async (email: string, isAdmin: boolean, options: JsonOption): Promise<void> => {
    const { user, confirmed } = await withDatabase(io, async (sql, env) => {
      const confirmed = isAdmin && canConfirm({ publicUrl: env['PUBLIC_URL'], smtpUrl: env['SMTP_URL'] })
      return { confirmed, user: await setAdmin(sql, email, { isAdmin, confirmed }) }
    })
    if (!user) {
      const missing = confirmed ? `No account with a confirmed email ${email}.` : `No account with the email ${email}.`
      throw new CommandError(missing, EXIT.refused)
    }
    const { id, name } = user
    print(
      io,
      options,
      { id, email: user.email, name, isAdmin },
      () => `${harmless(`${name} <${user.email}>`)} ${isAdmin ? 'is an admin' : 'is no longer an admin'}.`,
    )
  }
  admin
    .command('add')
    .argument('<email>')
    .description('make a user an admin')
    .action((email: string, options: JsonOption) => change(email, true, options))
  admin
    .command('remove')
    .argument('<email>')
    .description('take the admin role away')
    .action((email: string, options: JsonOption) => change(email, false, options))
}

const setAdmin = (
  sql: Pool,
  email: string,
  wanted: { isAdmin: boolean; confirmed: boolean },
): Promise<users.UserRow | null> =>
  transaction(sql, async (tx) => {
    const user = await users.setAdmin(tx, email, wanted)
    const action = wanted.isAdmin ? 'admin.add' : 'admin.remove'
    if (user) await audit(undefined, { action, projectId: null, target: user.id })(tx)
    return user
  })
