import { transaction } from '../../db/client.ts'
import * as apiKeys from '../../db/queries/api-keys.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { forgetKeys, newSecret } from '../../lib/auth/api-keys.ts'
import type { Scope } from '../../lib/auth/scopes.ts'
import { StintError } from '../../lib/core/errors.ts'
import { newId } from '../../lib/core/ids.ts'
import { lockProject } from './access.ts'
import { audit } from './audit.ts'

/** Makes a key for the project. Its secret is told now and never again. */
export const addApiKey = async (
  app: App,
  actor: Actor,
  given: { projectId: string; name: string; scopes: Scope[]; expiresInSeconds: number | undefined },
): Promise<{ key: apiKeys.ApiKeyRow; secret: string }> => {
  const { secret, ...stored } = newSecret()
  const key = await transaction(app.sql, async (tx) => {
    await lockProject(tx, actor, given.projectId, 'maintainer')
    const key = await apiKeys.insert(tx, {
      ...given,
      ...stored,
      id: newId(),
      createdBy: actor.userId,
      expiresInSeconds: given.expiresInSeconds ?? null,
    })
    const { id: target, projectId, name, scopes } = key
    await audit(actor, { action: 'api-key.create', projectId, target, data: { name, scopes } })(tx)
    return key
  })
  return { key, secret }
}

/** Takes a key away, whoever made it. @throws {StintError} API_KEY_NOT_FOUND */
export const revokeApiKey = async (
  app: App,
  actor: Actor,
  { projectId, keyId }: { projectId: string; keyId: string },
): Promise<void> => {
  await transaction(app.sql, async (tx) => {
    await lockProject(tx, actor, projectId, 'maintainer')
    const name = await apiKeys.remove(tx, projectId, keyId)
    if (name === null) throw new StintError('API_KEY_NOT_FOUND')
    await audit(actor, { action: 'api-key.revoke', projectId, target: keyId, data: { name } })(tx)
  })
  forgetKeys(app)
}
