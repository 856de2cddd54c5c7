import { z } from 'zod'
import type { UserRow } from '../../db/queries/users.ts'
import type { App } from '../../lib/app.ts'
import { limitRefreshes } from '../../lib/auth/rate-limit.ts'
import { endSession, refreshSession } from '../../lib/auth/sessions.ts'
import { ACCESS_TOKEN_SECONDS, issueAccessToken, publicKeys } from '../../lib/auth/tokens.ts'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { id, label, timestamp } from '../../lib/http/schemas.ts'
import { changePassword, changeProfile, getPerson, register, type SignedIn, signIn } from '../accounts.ts'
import { email } from '../email.ts'

const name = label(100)

/** Length in characters (code points), as JSON Schema counts it. */
const newPassword = z
  .string()
  .check(z.refine((text) => [...text].length >= 10 && [...text].length <= 200, 'expected 10 to 200 characters'))
  .meta({ minLength: 10, maxLength: 200 })

/** Any length: a password that can't be one is a wrong one. Bounded, because hashing takes time by length. */
const givenPassword = z.string().max(1_000)
const refreshToken = z.string().min(1).max(500)

const userReply = z
  .object({ id, email: z.string(), name: z.string(), isAdmin: z.boolean(), createdAt: timestamp })
  .meta({ id: 'User' })

const signedInReply = z
  .object({
    user: userReply,
    accessToken: z.string().describe('A JWT, for `Authorization: Bearer`.'),
    refreshToken: z.string().describe('To be exchanged once, for the next pair, within a day.'),
    expiresInSeconds: z.int().describe("The access token's."),
  })
  .meta({ id: 'SignedIn' })

export const registerPerson = route({
  method: 'POST',
  path: '/auth/register',
  summary: 'Make an account, with a project of its own',
  actor: 'anyone',
  body: z.strictObject({ email, password: newPassword, name }),
  replies: { 201: signedInReply },
  errors: ['EMAIL_TAKEN', 'RATE_LIMITED'],
  run: async ({ app, ip, body }) => ({ status: 201, body: await toSignedIn(app, await register(app, ip, body)) }),
})

export const login = route({
  method: 'POST',
  path: '/auth/login',
  summary: 'Sign in',
  actor: 'anyone',
  body: z.strictObject({ email, password: givenPassword }),
  replies: { 200: signedInReply },
  errors: ['INVALID_CREDENTIALS', 'RATE_LIMITED'],
  run: async ({ app, ip, body }) => ({ status: 200, body: await toSignedIn(app, await signIn(app, ip, body)) }),
})

export const refresh = route({
  method: 'POST',
  path: '/auth/refresh',
  summary: 'Exchange a refresh token for new tokens',
  description:
    'A refresh token can be exchanged once. The same exchange within ten seconds gives the same new token, as long as that one is unused: for lost replies. Any other use of a spent token ends the session.',
  actor: 'anyone',
  body: z.strictObject({ refreshToken }),
  replies: { 200: signedInReply },
  errors: ['REFRESH_TOKEN_INVALID', 'REFRESH_TOKEN_REUSED', 'RATE_LIMITED'],
  run: async ({ app, ip, body }) => {
    await limitRefreshes(app, ip)
    const refreshed = await refreshSession(app, body.refreshToken)
    const user = await getPerson(app, refreshed)
    return { status: 200, body: await toSignedIn(app, { user, refreshToken: refreshed.refreshToken }) }
  },
})

export const logout = route({
  method: 'POST',
  path: '/auth/logout',
  summary: 'End the session of a refresh token',
  description: 'Access tokens that it gave out stay valid until they expire.',
  actor: 'anyone',
  body: z.strictObject({ refreshToken }),
  replies: { 204: plain('Signed out, or was so already') },
  errors: ['RATE_LIMITED'],
  run: async ({ app, ip, body }) => {
    await limitRefreshes(app, ip)
    await endSession(app, body.refreshToken)
    return { status: 204 }
  },
})

export const me = route({
  method: 'GET',
  path: '/auth/me',
  summary: 'Who you are',
  actor: 'user',
  replies: { 200: z.object({ user: userReply }) },
  run: async ({ app, actor }) => ({ status: 200, body: { user: toUser(await getPerson(app, actor)) } }),
})

export const updateMe = route({
  method: 'PATCH',
  path: '/auth/me',
  summary: 'Change your name or email',
  description: 'Another email takes `currentPassword`.',
  actor: 'user',
  body: z
    .strictObject({ name: name.optional(), email: email.optional(), currentPassword: givenPassword.optional() })
    .refine((body) => body.email === undefined || body.currentPassword !== undefined, {
      path: ['currentPassword'],
      error: 'needed to change the email',
    }),
  replies: { 200: z.object({ user: userReply }) },
  errors: ['INVALID_CREDENTIALS', 'EMAIL_TAKEN', 'RATE_LIMITED'],
  run: async ({ app, ip, actor, body }) => ({
    status: 200,
    body: { user: toUser(await changeProfile(app, ip, actor, body)) },
  }),
})

export const updatePassword = route({
  method: 'POST',
  path: '/auth/password',
  summary: 'Change your password',
  description: 'It ends every session that you have anywhere, and starts a new one.',
  actor: 'user',
  body: z.strictObject({ currentPassword: givenPassword, newPassword }),
  replies: { 200: signedInReply },
  errors: ['INVALID_CREDENTIALS', 'RATE_LIMITED'],
  run: async ({ app, ip, actor, body }) => {
    const signedIn = await changePassword(app, ip, actor, { current: body.currentPassword, next: body.newPassword })
    return { status: 200, body: await toSignedIn(app, signedIn) }
  },
})

export const jwks = route({
  method: 'GET',
  path: '/.well-known/jwks.json',
  summary: 'The public keys of access tokens (RFC 7517)',
  actor: 'anyone',
  replies: {
    200: z.object({
      keys: z.array(
        z.object({
          kid: z.string(),
          kty: z.string(),
          crv: z.string(),
          x: z.string(),
          alg: z.string(),
          use: z.string(),
        }),
      ),
    }),
  },
  run: async ({ app }) => ({
    status: 200,
    headers: { 'cache-control': 'public, max-age=300' },
    body: { keys: publicKeys(app.config.auth) },
  }),
})

const toUser = (row: UserRow): z.input<typeof userReply> => ({
  id: row.id,
  email: row.email,
  name: row.name,
  isAdmin: row.isAdmin,
  createdAt: row.createdAt.toISOString(),
})

const toSignedIn = async (app: App, { user, refreshToken }: SignedIn): Promise<z.input<typeof signedInReply>> => ({
  user: toUser(user),
  accessToken: await issueAccessToken(app, user.id),
  refreshToken,
  expiresInSeconds: ACCESS_TOKEN_SECONDS,
})

export const handler = resource([registerPerson, login, refresh, logout, me, updateMe, updatePassword, jwks])
