import { z } from 'zod'

/** An email as people type it. Its case is kept, but ignored when it is looked up. */
export const email = z.string().trim().max(254, { abort: true }).check(z.email())

/**
 * Whether mails reach people, so that they can confirm their email. (Otherwise none are sent about accounts, or they stay on the
 * machine.) If they do, an unconfirmed email may have been typed by anybody.
 */
export const canConfirm = (mail: { publicUrl: string | undefined; smtpUrl: string | undefined }): boolean =>
  Boolean(mail.publicUrl && mail.smtpUrl)
