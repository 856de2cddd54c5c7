import { createHmac, randomBytes } from 'node:crypto'
import type { Sql } from '../../db/client.ts'
import * as sessions from '../../db/queries/sessions.ts'
import type { App } from '../app.ts'
import { needed } from '../core/config.ts'
import { StintError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import { hashSecret } from './secret-hash.ts'

const VALID_SECONDS = 86_400
/** How long a spent token may be presented again: its reply may have been lost, or two tabs may share it. */
const REPEAT_SECONDS = 10

/** A session with its latest refresh token. */
export interface Session {
  sessionId: string
  refreshToken: string
}

/**
 * Starts a session: a new family of refresh tokens, of which this is the first.
 * @throws {StintError} INVALID_CREDENTIALS when the password was changed since it was checked
 */
export const startSession = async (sql: Sql, user: { id: string; passwordHash: string }): Promise<Session> => {
  const session = { sessionId: newId(), refreshToken: randomBytes(32).toString('base64url') }
  const started = await sessions.insert(sql, {
    id: session.sessionId,
    userId: user.id,
    passwordHash: user.passwordHash,
    tokenHash: hashSecret(session.refreshToken),
    validSeconds: VALID_SECONDS,
  })
  if (!started) throw new StintError('INVALID_CREDENTIALS')
  return session
}

/**
 * Exchanges a refresh token for its successor. The successor is derived from the token, so that a repeat after a lost reply
 * gets the same one although only hashes are stored. Any other use of a spent token means that two parties hold it, and ends
 * the session for both.
 * @throws {StintError} REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED
 * @throws {ConfigError} where AUTH_REFRESH_KEY is not set
 */
export const refreshSession = async (app: App, token: string): Promise<Session & { userId: string }> => {
  const { refreshKey } = needed(app.config.auth.signing, 'AUTH_REFRESH_KEY')
  const successor = createHmac('sha256', Buffer.from(refreshKey, 'base64')).update(token).digest('base64url')
  const hashes = { tokenHash: hashSecret(token), successorHash: hashSecret(successor) }

  const rotated = await sessions.rotate(app.sql, { ...hashes, validSeconds: VALID_SECONDS })
  if (rotated) return { ...rotated, refreshToken: successor }

  const presented = await sessions.findToken(app.sql, { ...hashes, repeatSeconds: REPEAT_SECONDS })
  if (presented === null || presented.standing === 'over') throw new StintError('REFRESH_TOKEN_INVALID')
  const { userId, sessionId } = presented
  if (presented.standing === 'repeated') return { userId, sessionId, refreshToken: successor }
  await sessions.revoke(app.sql, sessionId)
  throw new StintError('REFRESH_TOKEN_REUSED')
}

/** Ends the session that a refresh token belongs to. An unknown token is no error. */
export const endSession = (app: App, token: string): Promise<void> => sessions.revokeByToken(app.sql, hashSecret(token))
