import { z } from 'zod'
import { transaction } from '../../db/client.ts'
import { giveRights } from '../../db/functions-role.ts'
import { applyMissing, MigrationError, migrateDown, migrationStatus } from '../../db/migrate.ts'
import * as migrations from '../../db/queries/migrations.ts'
import { type App, appOfProcess } from '../../lib/app.ts'
import type { InvocationContext } from '../../lib/invocation-context.ts'

/** What is asked of it: with nothing, to apply what the database lacks. */
const order = z.strictObject({
  /** The version of the latest migration, to be taken back. By its name, so that asking twice takes back no other. */
  down: z.string().regex(/^\d+$/, 'expected the version that a migration begins with').optional(),
  /** Changes nothing and lists them. */
  status: z.literal(true).optional(),
})
type Order = z.output<typeof order>

/** Kept of the function's time for the migrations themselves; the rest of it may go by while another one migrates. */
const OWN_SECONDS = 300

/**
 * Migrates this stage's database. A deployment calls it, before it sends the new code any request, and nothing else does.
 * Of two at once one waits for the other. It connects as the owner of the tables, and gives the role of the other functions
 * the rights on them. It answers with what dbmate said.
 * @throws {MigrationError} and then the deployment stops
 */
export const handler = async (event: unknown, context: InvocationContext): Promise<{ output: string }> => {
  const app = context.app ?? (await appOfProcess())
  const read = order.safeParse(event ?? {})
  if (!read.success) throw new MigrationError(`The event is not an order to migrate:\n${z.prettifyError(read.error)}`)
  const waitSeconds = Math.max(1, Math.floor(context.getRemainingTimeInMillis() / 1_000) - OWN_SECONDS)
  const output = await transaction(app.sql, async (tx) => {
    await migrations.lock(tx, waitSeconds)
    return follow(app, read.data)
  })
  app.log.info({ order: read.data, output }, 'the database was migrated')
  return { output }
}

const follow = async ({ sql, config: { database } }: App, { down, status }: Order): Promise<string> => {
  if (status) return migrationStatus(database.url)
  if (down === undefined) return applyAll(database)
  const applied = await migrations.listApplied(sql)
  if (!applied.includes(down)) return `${down} is not applied`
  if (applied[0] !== down) throw new MigrationError(`${down} is not the latest migration, which is ${applied[0]}`)
  return migrateDown(database.url)
}

const applyAll = async ({ url, functionsUrl }: App['config']['database']): Promise<string> => {
  const output = await applyMissing(url)
  await giveRights(url, functionsUrl)
  return output
}
