import { z } from 'zod'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { confirmEmail, resetPassword, sendConfirmation, sendReset } from '../use-cases/account-mail.ts'
import { email } from '../use-cases/email.ts'
import { newPassword } from '../use-cases/password.ts'

const token = z.string().min(1).max(500).meta({ description: 'From the mail: what follows the # in its link' })

const verify = route({
  method: 'POST',
  path: '/auth/verify',
  summary: 'Confirm your email',
  description:
    'In the account that the mail is about: who reads the mail and has not made the account confirms nothing.',
  actor: 'user',
  body: z.strictObject({ token }),
  replies: { 204: plain('Confirmed') },
  errors: ['ACCOUNT_TOKEN_INVALID', 'RATE_LIMITED'],
  run: async ({ app, ip, actor, body }) => {
    await confirmEmail(app, ip, actor, body.token)
    return { status: 204 }
  },
})

const resend = route({
  method: 'POST',
  path: '/auth/verify/resend',
  summary: 'Send the mail that confirms your email again',
  actor: 'user',
  replies: { 202: plain('On its way, unless the email is confirmed') },
  errors: ['RATE_LIMITED', 'MAIL_NOT_CONFIGURED'],
  run: async ({ app, ip, actor }) => {
    await sendConfirmation(app, ip, actor)
    return { status: 202 }
  },
})

const forgot = route({
  method: 'POST',
  path: '/auth/password/forgot',
  summary: 'Send a mail to choose a new password',
  description: 'The answer, and how long it takes, are the same whether there is such an account or not.',
  actor: 'anyone',
  body: z.strictObject({ email }),
  replies: { 202: plain('On its way, if there is such an account') },
  errors: ['RATE_LIMITED', 'MAIL_NOT_CONFIGURED'],
  run: async ({ app, ip, body }) => {
    await sendReset(app, ip, body.email)
    return { status: 202 }
  },
})

const reset = route({
  method: 'POST',
  path: '/auth/password/reset',
  summary: 'Choose a new password',
  description:
    'It ends every session that you have anywhere. If nobody had confirmed the email, the account may have been made by ' +
    'a stranger, and nobody else keeps a way in: see docs/accounts.md.',
  actor: 'anyone',
  body: z.strictObject({ token, newPassword }),
  replies: { 204: plain('Changed; sign in with it') },
  errors: ['ACCOUNT_TOKEN_INVALID', 'RATE_LIMITED'],
  run: async ({ app, ip, body }) => {
    await resetPassword(app, ip, { token: body.token, password: body.newPassword })
    return { status: 204 }
  },
})

export const handler = resource([verify, resend, forgot, reset])
