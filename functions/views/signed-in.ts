import { z } from 'zod'
import type { App } from '../../lib/app.ts'
import { ACCESS_TOKEN_SECONDS, issueAccessToken } from '../../lib/auth/issue-token.ts'
import { id, label, timestamp } from '../../lib/http/schemas.ts'
import type { SignedIn } from '../use-cases/accounts.ts'
import { email } from '../use-cases/email.ts'
import { givenPassword, newPassword } from '../use-cases/password.ts'
import { viewOf } from './view-of.ts'

/** Of a person. */
export const name = label(100)

const example = { email: 'ada@example.com', password: 'correct horse battery' }
export const registration = z
  .strictObject({ email, password: newPassword, name })
  .meta({ example: { ...example, name: 'Ada' } })
export const credentials = z.strictObject({ email, password: givenPassword }).meta({ example })

export const user = z
  .object({
    id,
    email: z.string(),
    emailConfirmedAt: timestamp.nullable(),
    name: z.string(),
    isAdmin: z.boolean(),
    createdAt: timestamp,
  })
  .meta({ id: 'User' })

export const signedIn = z
  .object({
    user,
    accessToken: z.string().describe('A JWT, for `Authorization: Bearer`.'),
    refreshToken: z.string().describe('To be exchanged once, for the next pair, within a day.'),
    expiresInSeconds: z.int().describe("The access token's."),
  })
  .meta({ id: 'SignedIn' })

export const toUser = viewOf(user)

export const toSignedIn = async (
  app: App,
  { user, sessionId, refreshToken }: SignedIn,
): Promise<z.input<typeof signedIn>> => ({
  user: toUser(user),
  accessToken: await issueAccessToken(app, user.id, sessionId),
  refreshToken,
  expiresInSeconds: ACCESS_TOKEN_SECONDS,
})
