import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Pool } from '../../db/client.ts'
import * as apiKeys from '../../db/queries/api-keys.ts'
import type { App } from '../app.ts'
import { memoizeByOwner } from '../core/by-owner.ts'
import { isRecent } from '../core/clock.ts'
import type { StintError } from '../core/errors.ts'
import { invalidToken } from './bearer.ts'
import { hashSecret } from './secret-hash.ts'

/**
 * How long a process trusts what it has read about a key. A revocation takes effect within this time everywhere, and at once
 * in the process that made it.
 */
export const KEY_SECONDS = 5
const MAX_KEYS = 10_000

/** 256 random bits. The prefix tells people, and programs that look for leaked secrets, what it is. */
const SECRET = /^stk_[\w-]{43}$/
const HINT_LENGTH = 8

/** A key as it was presented. */
export interface ApiKey {
  id: string
  projectId: string
  scopes: readonly string[]
}

interface Known {
  userId: string
  apiKey: ApiKey
  readMs: number
  /** How long it is trusted: shorter if the key expires before. */
  forMs: number
}

/** A new secret, with what is stored of it. */
export const newSecret = (): { secret: string; secretHash: Buffer; hint: string } => {
  const secret = `stk_${randomBytes(32).toString('base64url')}`
  return { secret, secretHash: hashSecret(secret), hint: secret.slice(0, HINT_LENGTH) }
}

export const isApiKey = (token: string): boolean => token.startsWith('stk_')

/**
 * Tells whose key this is, and what it may do: with one indexed query at most, and then none for five seconds.
 * @throws {StintError} UNAUTHENTICATED when it is unknown, revoked or expired
 */
export const verifyApiKey = async (app: App, secret: string): Promise<{ userId: string; apiKey: ApiKey }> => {
  if (!SECRET.test(secret)) throw invalidKey()
  const hash = hashSecret(secret)
  const name = hash.toString('base64')
  const known = cacheOf(app).keys.get(name)
  const { userId, apiKey } =
    known && isRecent(app.clock, known.readMs, known.forMs) ? known : await read(app, hash, name)
  app.keyUses.add(apiKey.id)
  return { userId, apiKey }
}

/** Has this process read every key again, after one was revoked. */
export const forgetKeys = (app: App): void => {
  // Replaced, not emptied: a read that began before the revocation stores what it found in the old cache.
  cacheOf(app).keys = newKeys()
}

const read = async (app: App, hash: Buffer, name: string): Promise<Known> => {
  const { keys } = cacheOf(app)
  const readMs = app.clock.now()
  const row = await apiKeys.findBySecret(app.sql, hash)
  if (!row) {
    keys.delete(name)
    throw invalidKey()
  }
  const known = {
    userId: row.createdBy,
    apiKey: { id: row.id, projectId: row.projectId, scopes: row.scopes },
    readMs,
    forMs: Math.min(KEY_SECONDS * 1_000, row.validMs ?? Number.POSITIVE_INFINITY),
  }
  keys.set(name, known)
  return known
}

const invalidKey = (): StintError => invalidToken('The API key is unknown or revoked, or has expired.')

const newKeys = () => new LRUCache<string, Known>({ max: MAX_KEYS })

const cacheOfPool = memoizeByOwner((_: Pool) => ({ keys: newKeys() }))

/** By database, and by the secret's hash: a dump of the memory has no secrets. Only valid keys are kept. */
const cacheOf = ({ sql }: App): { keys: LRUCache<string, Known> } => cacheOfPool(sql)
