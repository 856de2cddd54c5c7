import { randomBytes } from 'node:crypto'
import { makeSecrets } from '../local/local-config.ts'

// `node infra/deploy/secret.ts`: prints the secret `stint/<stage>` of a new stage, which serverless.yml reads, out of
// DATABASE_HOST, DATABASE_PASSWORD and SMTP_URL, with new keys. Whoever has it can sign tokens: it goes straight into
// Secrets Manager (docs/deploy.md).

export class MissingVariableError extends Error {
  override readonly name = 'MissingVariableError'
}

/** @throws {MissingVariableError} that names what is missing. An empty SMTP_URL is one: then no mails are sent. */
export const secretOf = (env: Record<string, string | undefined>): Record<string, string> => {
  const { DATABASE_HOST, DATABASE_PASSWORD, SMTP_URL } = env
  const missing = Object.entries({ DATABASE_HOST, DATABASE_PASSWORD }).flatMap(([name, value]) => (value ? [] : [name]))
  if (SMTP_URL === undefined) missing.push('SMTP_URL (may be empty)')
  if (missing.length > 0) throw new MissingVariableError(`not set: ${missing.join(', ')}`)
  const { AUTH_SIGNING_KEYS, AUTH_REFRESH_KEY } = makeSecrets()
  return {
    databaseUrl: `postgres://stint:${encodeURIComponent(DATABASE_PASSWORD ?? '')}@${DATABASE_HOST}:5432/stint?sslmode=require`,
    authSigningKeys: AUTH_SIGNING_KEYS,
    authRefreshKey: AUTH_REFRESH_KEY,
    metricsToken: randomBytes(24).toString('base64url'),
    smtpUrl: SMTP_URL ?? '',
  }
}

if (import.meta.main) {
  try {
    console.log(JSON.stringify(secretOf(process.env)))
  } catch (error) {
    if (!(error instanceof MissingVariableError)) throw error
    console.error(error.message)
    process.exitCode = 2
  }
}
