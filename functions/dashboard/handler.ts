import { z } from 'zod'
import type { App } from '../../lib/app.ts'
import { limitRefreshes } from '../../lib/auth/rate-limit.ts'
import { endSession, refreshSession } from '../../lib/auth/sessions.ts'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { register, signIn } from '../use-cases/accounts.ts'
import { getPerson } from '../use-cases/person.ts'
import { credentials, registration, signedIn, toSignedIn } from '../views/signed-in.ts'
import { answerAsset, answerPage } from './pages.ts'
import { readSessionCookie, refuseOtherOrigins, sessionCookie } from './session-cookie.ts'

/** The answer of `POST /auth/login` without the refresh token, which is in the cookie. */
const sessionReply = signedIn.omit({ refreshToken: true }).meta({ id: 'DashboardSession' })
const name = z.string().max(200)
const fileName = name.regex(/^[\w.-]+\.\w+$/)
/** The page, which is the same at all its addresses. */
const page = {
  actor: 'anyone',
  /** Anything: only the page itself reads it. */
  query: z.looseObject({}),
  takes: ['if-none-match'],
  replies: {
    200: plain('The dashboard.', 'text/html'),
    304: plain('What you have is still right: its ETag was in If-None-Match.'),
  },
  gives: ['etag'],
  errors: ['NOT_FOUND'],
  run: ({ app, headers }: { app: App; headers: Record<string, string | undefined> }) => answerPage(app, headers),
} as const

export const home = route({
  method: 'GET',
  path: '/',
  summary: 'The dashboard',
  ...page,
})

export const homeToo = route({
  method: 'GET',
  path: '/dashboard',
  summary: 'The dashboard, for who looks for it by its name',
  ...page,
})

export const openPage = route({
  method: 'GET',
  path: '/dashboard/{page}',
  summary: 'A page of the dashboard',
  params: z.object({ page: name }),
  ...page,
})

export const openJob = route({
  method: 'GET',
  path: '/dashboard/jobs/{jobId}',
  summary: 'The dashboard’s page of one job',
  params: z.object({ jobId: name }),
  ...page,
})

export const openProject = route({
  method: 'GET',
  path: '/dashboard/projects/{projectId}',
  summary: 'The dashboard’s page of one project',
  params: z.object({ projectId: name }),
  ...page,
})

export const getAsset = route({
  method: 'GET',
  path: '/dashboard/assets/{file}',
  summary: 'A script or a style of the dashboard',
  actor: 'anyone',
  params: z.object({ file: fileName }),
  replies: { 200: plain('The file; it never changes.', '*/*') },
  errors: ['NOT_FOUND'],
  run: ({ headers, params }) => answerAsset(params.file, headers),
})

const description =
  'For the dashboard’s own page: the refresh token is kept in a cookie that scripts cannot read. Programs use /auth.'

export const startSession = route({
  method: 'POST',
  path: '/dashboard/session',
  summary: 'Sign in to the dashboard',
  description,
  actor: 'anyone',
  body: credentials,
  replies: { 200: sessionReply },
  gives: ['set-cookie'],
  errors: ['INVALID_CREDENTIALS', 'RATE_LIMITED', 'FORBIDDEN'],
  run: async ({ app, ip, headers, body }) => {
    refuseOtherOrigins(headers, app.config.mail.publicUrl)
    const { refreshToken, ...session } = await toSignedIn(app, await signIn(app, ip, body))
    return { status: 200, headers: { 'set-cookie': sessionCookie(refreshToken, headers) }, body: session }
  },
})

export const registerInDashboard = route({
  method: 'POST',
  path: '/dashboard/session/registration',
  summary: 'Create an account, and sign in to the dashboard',
  description,
  actor: 'anyone',
  body: registration,
  replies: { 201: sessionReply },
  gives: ['set-cookie'],
  errors: ['EMAIL_TAKEN', 'RATE_LIMITED', 'FORBIDDEN'],
  run: async ({ app, ip, headers, body }) => {
    refuseOtherOrigins(headers, app.config.mail.publicUrl)
    const { refreshToken, ...session } = await toSignedIn(app, await register(app, ip, body))
    return { status: 201, headers: { 'set-cookie': sessionCookie(refreshToken, headers) }, body: session }
  },
})

export const continueSession = route({
  method: 'POST',
  path: '/dashboard/session/refresh',
  summary: 'The dashboard’s next access token',
  description,
  actor: 'anyone',
  replies: { 200: sessionReply, 204: plain('There is no session: no cookie came.') },
  gives: ['set-cookie'],
  errors: ['REFRESH_TOKEN_INVALID', 'REFRESH_TOKEN_REUSED', 'RATE_LIMITED', 'FORBIDDEN'],
  run: async ({ app, ip, headers, cookies }) => {
    const given = readSessionCookie(cookies, headers, app.config.mail.publicUrl)
    // Not an error: browsers would print one, and it is no mistake that nobody has signed in yet.
    if (given === undefined) return { status: 204 }
    await limitRefreshes(app, ip)
    const refreshed = await refreshSession(app, given)
    const user = await getPerson(app, refreshed)
    const { refreshToken, ...session } = await toSignedIn(app, { user, ...refreshed })
    return { status: 200, headers: { 'set-cookie': sessionCookie(refreshToken, headers) }, body: session }
  },
})

export const leaveSession = route({
  method: 'DELETE',
  path: '/dashboard/session',
  summary: 'Sign out of the dashboard',
  description,
  actor: 'anyone',
  replies: { 204: plain('Signed out, or was so already') },
  gives: ['set-cookie'],
  errors: ['RATE_LIMITED', 'FORBIDDEN'],
  run: async ({ app, ip, headers, cookies }) => {
    const given = readSessionCookie(cookies, headers, app.config.mail.publicUrl)
    await limitRefreshes(app, ip)
    if (given !== undefined) await endSession(app, given)
    return { status: 204, headers: { 'set-cookie': sessionCookie('', headers) } }
  },
})

export const handler = resource([
  home,
  homeToo,
  openPage,
  openJob,
  openProject,
  getAsset,
  startSession,
  registerInDashboard,
  continueSession,
  leaveSession,
])
