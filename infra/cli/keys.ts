import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import { SCOPES, type Scope } from '../../lib/auth/scopes.ts'
import type { ItemOf } from '../../lib/client/api.ts'
import type { Cli } from './cli.ts'
import type { Io } from './io.ts'
import { OWN_PROJECT, type ProjectOption } from './options.ts'
import { ago, harmless, listing, print } from './print.ts'
import { ownProject } from './projects.ts'
import { type Session, signedIn } from './session.ts'
import { wholeNumber } from './whole-number.ts'

type ApiKey = ItemOf<Api['GET /projects/{projectId}/api-keys']>

interface NewKey extends ProjectOption {
  scope: Scope[]
  expiresInDays?: number
}

const DAY_SECONDS = 86_400
/** The most that the API accepts. */
const MAX_DAYS = 3_650

/** `stint keys`. */
export const addKeys = (program: Command, { io }: Cli): void => {
  const keys = program.command('keys').description('API keys for programs, which use them as STINT_TOKEN')
  keys
    .command('list', { isDefault: true })
    .description('list the keys of a project, newest first')
    .addOption(OWN_PROJECT)
    .action(async (options: ProjectOption) => {
      const session = await signedIn(io)
      const params = await projectOf(session, options)
      const items = await Array.fromAsync(session.client.each('GET /projects/{projectId}/api-keys', { params }))
      print(io, options, items, (rows) => toTable(io, rows))
    })
  keys
    .command('create')
    .argument('<name>')
    .description('create a key; prints its secret, which is not shown again')
    .addOption(
      new Option('--scope <scope...>', 'what it may do; a write includes the read')
        .choices(SCOPES)
        .default(['jobs:write']),
    )
    .option('--expires-in-days <days>', 'default: never', wholeNumber(1, MAX_DAYS))
    .addOption(OWN_PROJECT)
    .action(async (name: string, { scope: scopes, expiresInDays: days, ...options }: NewKey) => {
      const session = await signedIn(io)
      const params = await projectOf(session, options)
      const body = { name, scopes, ...(days !== undefined && { expiresInSeconds: days * DAY_SECONDS }) }
      const made = await session.client.call('POST /projects/{projectId}/api-keys', { params, body })
      print(io, options, made, ({ secret }) => secret)
    })
  keys
    .command('revoke')
    .argument('<key-id>')
    .description('revoke a key')
    .addOption(OWN_PROJECT)
    .action(async (keyId: string, options: ProjectOption) => {
      const session = await signedIn(io)
      const params = { ...(await projectOf(session, options)), keyId }
      await session.client.call('DELETE /projects/{projectId}/api-keys/{keyId}', { params })
      print(io, options, { id: keyId }, ({ id }) => `${id} is revoked.`)
    })
}

const projectOf = async (session: Session, { projectId }: ProjectOption) => ({
  projectId: projectId ?? (await ownProject(session)),
})

const toTable = (io: Io, keys: readonly ApiKey[]): string =>
  listing(io, keys, 'No keys.', {
    ID: (it) => it.id,
    SECRET: (it) => `${harmless(it.hint)}…`,
    SCOPES: (it) => it.scopes.join(','),
    USED: (it) => (it.lastUsedAt === null ? 'never' : `${ago(it.lastUsedAt)} ago`),
    EXPIRES: (it) => it.expiresAt?.slice(0, 10) ?? 'never',
    NAME: (it) => harmless(it.name),
  })
