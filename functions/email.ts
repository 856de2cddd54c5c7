import { z } from 'zod'

/** An email as people type it. Its case is kept for showing, and counts for nothing when it is looked up. */
export const email = z.string().trim().max(254, { abort: true }).check(z.email())

/**
 * Whether mails reach people, so that they can confirm their email: elsewhere none are sent about accounts, or they stay
 * on the machine. Where they do, an email that nobody confirmed may be anybody's who typed it.
 */
export const canConfirm = (mail: { publicUrl: string | undefined; smtpUrl: string | undefined }): boolean =>
  Boolean(mail.publicUrl && mail.smtpUrl)
