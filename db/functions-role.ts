import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { createPool, SILENCE_SECONDS, transaction } from './client.ts'
import { MigrationError } from './migrate.ts'
import * as roles from './queries/roles.ts'

/**
 * Gives the user of `functionsUrl` what functions need, by the owner of the tables, once they are migrated: it reads and
 * writes rows, and changes no table. Where both are one user, or no other is named, there is
 * nothing to give.
 * @throws {MigrationError} that says what `functionsUrl` lacks
 */
export const giveRights = async (ownerUrl: string, functionsUrl: string | undefined): Promise<void> => {
  if (functionsUrl === undefined) return
  const { username, password } = URL.parse(functionsUrl) ?? {}
  if (!username || !password)
    throw new MigrationError('DATABASE_FUNCTIONS_URL: expected a URL with a user and a password in it')
  if (username === new URL(ownerUrl).username) return
  const sql = createPool({ url: ownerUrl, maxConnections: 1, prepare: false, applicationName: 'stint-migrate' })
  try {
    const verifier = scramVerifier(decodeURIComponent(password), randomBytes(16))
    await transaction(sql, (tx) => roles.letUseRows(tx, decodeURIComponent(username), verifier, SILENCE_SECONDS))
  } finally {
    await sql.end()
  }
}

const ITERATIONS = 4096

/**
 * What PostgreSQL keeps of a password (RFC 5803), as psql's `\password` sends it: a statement that fails is in the server's
 * log, and must not have the password in it. @param password of ASCII, or PostgreSQL would normalise it first
 */
export const scramVerifier = (password: string, salt: Buffer): string => {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256')
  const keyOf = (text: string) => createHmac('sha256', salted).update(text).digest()
  const stored = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  const [salt64, server] = [salt.toString('base64'), keyOf('Server Key').toString('base64')]
  return `SCRAM-SHA-256$${ITERATIONS}:${salt64}$${stored}:${server}`
}
