import { escapeHtml } from './template.ts'

/** The purpose of a mail about an account. */
export const PURPOSES = ['confirm-email', 'reset-password', 'password-changed', 'email-changed'] as const
export type Purpose = (typeof PURPOSES)[number]

interface AccountMail {
  subject: string
  /** The dashboard's page at which its token is spent; undefined: it has no token. */
  page?: string
  validSeconds: number
  /** The text before the link and after it. */
  lines: [string, string]
  action?: string
}

const HOUR = 3_600

/** The mails about accounts, side by side. */
export const ACCOUNT_MAILS: Record<Purpose, AccountMail> = {
  'confirm-email': {
    subject: 'Confirm your email address',
    page: '/dashboard/confirm-email',
    validSeconds: 72 * HOUR,
    action: 'Confirm the address',
    lines: [
      'A Stint account was created with this address. If that was you, confirm it within three days:',
      'If it was not you, ignore this mail.',
    ],
  },
  'reset-password': {
    subject: 'Choose a new password',
    page: '/dashboard/new-password',
    validSeconds: HOUR,
    action: 'Choose a new password',
    lines: [
      'Somebody asked for a new password for your Stint account. This link works once, for an hour:',
      'If it was not you, ignore this mail: your password stays as it is.',
    ],
  },
  'password-changed': {
    subject: 'Your password was changed',
    validSeconds: 0,
    lines: [
      'The password of your Stint account was changed, and you were signed out everywhere.',
      'If it was not you, choose a new password at once, and check who can read your mailbox.',
    ],
  },
  // To the address that the account had before, which is no account's by now.
  'email-changed': {
    subject: 'Your email address was changed',
    validSeconds: 0,
    lines: [
      'Your Stint account has another email address by now. Mails about it no longer come to this one.',
      'If it was not you, somebody knows your password. Tell whoever runs this Stint: a new password can’t be sent here.',
    ],
  },
}

/** The page where a token is spent. The token is after the #, which browsers send to nobody. */
export const linkOf = (purpose: Purpose, publicUrl: string, token: string): string | undefined => {
  const { page } = ACCOUNT_MAILS[purpose]
  return page && `${publicUrl.replace(/\/$/, '')}${page}#${token}`
}

/**
 * Subject, text and HTML of a mail. Without a name there is no greeting by name: nothing that a stranger made up as a name
 * may reach other people in our mails.
 */
export const writeAccountMail = (
  purpose: Purpose,
  { name, link }: { name: string | undefined; link: string | undefined },
) => {
  const { subject, lines, action = '' } = ACCOUNT_MAILS[purpose]
  const [what, otherwise] = lines
  const greeting = name === undefined ? 'Hello,' : `Hello ${name},`
  const text = [greeting, what, link, otherwise].filter(Boolean).join('\n\n')
  const paragraph = (line: string) => `<p>${escapeHtml(line)}</p>`
  const button = link && `<p><a href="${escapeHtml(link)}" style="${BUTTON}">${escapeHtml(action)}</a></p>`
  const html = [paragraph(greeting), paragraph(what), button, paragraph(otherwise)].filter(Boolean).join('\n')
  return { subject, text: `${text}\n`, html: `<div style="${BODY}">\n${html}\n</div>\n` }
}

// Inline styles, since mail programs ignore style sheets.
const BODY = 'font: 16px/1.5 system-ui, sans-serif; color: #1c1f23; max-width: 36em'
const BUTTON =
  'display: inline-block; padding: 10px 18px; border-radius: 6px; background: #1c5fd4; color: #ffffff; text-decoration: none'
