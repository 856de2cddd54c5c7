import { z } from 'zod'
import { limitRefreshes } from '../../lib/auth/rate-limit.ts'
import { endSession, refreshSession } from '../../lib/auth/sessions.ts'
import { publishedKeys } from '../../lib/auth/tokens.ts'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { changePassword, changeProfile, register, signIn } from '../use-cases/accounts.ts'
import { email } from '../use-cases/email.ts'
import { givenPassword, newPassword } from '../use-cases/password.ts'
import { getPerson } from '../use-cases/person.ts'
import { credentials, name, registration, signedIn, toSignedIn, toUser, user } from '../views/signed-in.ts'

const refreshToken = z.string().min(1).max(500)

const registerPerson = route({
  method: 'POST',
  path: '/auth/register',
  summary: 'Create an account, with a project of its own',
  actor: 'anyone',
  body: registration,
  replies: { 201: signedIn },
  errors: ['EMAIL_TAKEN', 'RATE_LIMITED'],
  run: async ({ app, ip, body }) => ({ status: 201, body: await toSignedIn(app, await register(app, ip, body)) }),
})

const login = route({
  method: 'POST',
  path: '/auth/login',
  summary: 'Sign in',
  actor: 'anyone',
  body: credentials,
  replies: { 200: signedIn },
  errors: ['INVALID_CREDENTIALS', 'RATE_LIMITED'],
  run: async ({ app, ip, body }) => ({ status: 200, body: await toSignedIn(app, await signIn(app, ip, body)) }),
})

const refresh = route({
  method: 'POST',
  path: '/auth/refresh',
  summary: 'Exchange a refresh token for new tokens',
  description:
    'A refresh token can be exchanged once. The same exchange within ten seconds gives the same new token, as long as that one is unused: for lost replies. Any other use of a spent token ends the session.',
  actor: 'anyone',
  body: z.strictObject({ refreshToken }),
  replies: { 200: signedIn },
  errors: ['REFRESH_TOKEN_INVALID', 'REFRESH_TOKEN_REUSED', 'RATE_LIMITED'],
  run: async ({ app, ip, body }) => {
    await limitRefreshes(app, ip)
    const refreshed = await refreshSession(app, body.refreshToken)
    const user = await getPerson(app, refreshed)
    return { status: 200, body: await toSignedIn(app, { user, ...refreshed }) }
  },
})

const logout = route({
  method: 'POST',
  path: '/auth/logout',
  summary: 'End the session of a refresh token',
  description: 'Its access tokens stay valid until they expire.',
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

const me = route({
  method: 'GET',
  path: '/auth/me',
  summary: 'Who you are',
  actor: 'user',
  replies: { 200: z.object({ user }) },
  run: async ({ app, actor }) => ({ status: 200, body: { user: toUser(await getPerson(app, actor)) } }),
})

const updateMe = route({
  method: 'PATCH',
  path: '/auth/me',
  summary: 'Change your name or email',
  description: 'To change the email, send `currentPassword` too.',
  actor: 'user',
  body: z
    .strictObject({ name: name.optional(), email: email.optional(), currentPassword: givenPassword.optional() })
    .refine((body) => body.email === undefined || body.currentPassword !== undefined, {
      path: ['currentPassword'],
      error: 'needed to change the email',
    }),
  replies: { 200: z.object({ user }) },
  errors: ['INVALID_CREDENTIALS', 'EMAIL_TAKEN', 'RATE_LIMITED'],
  run: async ({ app, ip, actor, body }) => ({
    status: 200,
    body: { user: toUser(await changeProfile(app, ip, actor, body)) },
  }),
})

const updatePassword = route({
  method: 'POST',
  path: '/auth/password',
  summary: 'Change your password',
  description: 'It ends every session that you have anywhere, and starts a new one.',
  actor: 'user',
  body: z.strictObject({ currentPassword: givenPassword, newPassword }),
  replies: { 200: signedIn },
  errors: ['INVALID_CREDENTIALS', 'RATE_LIMITED'],
  run: async ({ app, ip, actor, body }) => {
    const changed = await changePassword(app, ip, actor, { current: body.currentPassword, next: body.newPassword })
    return { status: 200, body: await toSignedIn(app, changed) }
  },
})

const jwks = route({
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
    body: { keys: publishedKeys(app.config.auth) },
  }),
})

export const handler = resource([registerPerson, login, refresh, logout, me, updateMe, updatePassword, jwks])
