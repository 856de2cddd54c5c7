import { randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { publicHalf, type SigningKey } from '../../lib/core/config.ts'
import { makeSecrets } from '../local/supervisor/local-config.ts'

// `node infra/deploy/secret.ts`: prints the secret `stint/<stage>` of a new stage, which serverless.yml reads, out of
// DATABASE_HOST, the passwords of its two users and SMTP_URL, with new keys. `node infra/deploy/secret.ts add | use | drop` reads the
// secret of a stage, and prints it a step further on the way to another signing key. Whoever has it can sign tokens: it
// goes straight into Secrets Manager (docs/deploy.md).

export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What must not be empty. DATABASE_PASSWORD is that of the user whom the functions are. */
const NEEDED = ['DATABASE_HOST', 'DATABASE_OWNER_PASSWORD', 'DATABASE_PASSWORD']

/** @throws {UsageError} that names the variables that are missing. An empty SMTP_URL is one: then no mails are sent. */
export const secretOf = (env: Record<string, string | undefined>): Record<string, string> => {
  const { DATABASE_HOST, DATABASE_OWNER_PASSWORD = '', DATABASE_PASSWORD = '', SMTP_URL } = env
  const missing = NEEDED.filter((name) => !env[name])
  if (SMTP_URL === undefined) missing.push('SMTP_URL (may be empty)')
  if (missing.length > 0) throw new UsageError(`not set: ${missing.join(', ')}`)
  const { AUTH_SIGNING_KEYS, AUTH_REFRESH_KEY, JOB_SECRET_KEY } = makeSecrets()
  // RDS Proxy's certificate is from a public authority. `require` would take anybody's.
  const urlOf = (user: string, password: string) =>
    `postgres://${user}:${encodeURIComponent(password)}@${DATABASE_HOST}:5432/stint?sslmode=verify-full`
  return {
    databaseUrl: urlOf('stint_functions', DATABASE_PASSWORD),
    databaseOwnerUrl: urlOf('stint', DATABASE_OWNER_PASSWORD),
    authPublicKeys: publicOf(JSON.parse(AUTH_SIGNING_KEYS)),
    authSigningKeys: AUTH_SIGNING_KEYS,
    authRefreshKey: AUTH_REFRESH_KEY,
    jobSecretKey: JOB_SECRET_KEY,
    metricsToken: randomBytes(24).toString('base64url'),
    smtpUrl: SMTP_URL ?? '',
  }
}

const publicOf = (keys: SigningKey[]): string => JSON.stringify(keys.map(publicHalf))

/**
 * The steps to another signing key, with a deploy after each: one whose tokens nobody takes yet must not sign. All
 * functions learn it; it signs; the others go, once the last token of theirs has expired.
 */
const STEPS: Record<string, (keys: SigningKey[]) => SigningKey[]> = {
  add: (keys) => [...keys, ...JSON.parse(makeSecrets().AUTH_SIGNING_KEYS)],
  use: (keys) => [...keys.slice(-1), ...keys.slice(0, -1)],
  drop: (keys) => keys.slice(0, 1),
}

/** The secret after a step. All else in it stays. @throws {UsageError} when there is no such step, or no key in it */
export const rotate = (secret: Record<string, string>, name: string): Record<string, string> => {
  const step = STEPS[name]
  if (!step) throw new UsageError(`there is no ${name}. usage: node infra/deploy/secret.ts [add | use | drop]`)
  const { authSigningKeys } = secret
  if (authSigningKeys === undefined) throw new UsageError('standard input has no authSigningKeys')
  const keys = step(JSON.parse(authSigningKeys))
  return { ...secret, authPublicKeys: publicOf(keys), authSigningKeys: JSON.stringify(keys) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , step] = process.argv
  try {
    const secret = step === undefined ? secretOf(process.env) : rotate(JSON.parse(await text(process.stdin)), step)
    console.log(JSON.stringify(secret))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(error.message)
    process.exitCode = 2
  }
}
