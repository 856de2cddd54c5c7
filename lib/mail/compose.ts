import MailComposer from 'nodemailer/lib/mail-composer'

export interface Mail {
  /** Without the angle brackets. */
  messageId: string
  date: Date
  from: string
  to: string[]
  cc?: string[]
  replyTo?: string | undefined
  subject: string
  text?: string | undefined
  html?: string | undefined
  attachments?: { name: string; contentType: string; bytes: Buffer }[]
}

/**
 * Makes the bytes of a mail (RFC 5322, MIME). The same mail gives the same bytes, by which one that was sent twice can be
 * recognised. Names and texts are encoded, so that none of them can add a header.
 */
export const compose = ({ messageId, attachments = [], ...mail }: Mail): Promise<Buffer> =>
  new MailComposer({
    ...mail,
    messageId: `<${messageId}>`,
    attachments: attachments.map(({ name, contentType, bytes }) => ({ filename: name, contentType, content: bytes })),
    // Marks the mail as sent by a program, so that no out-of-office reply comes back (RFC 3834).
    headers: { 'auto-submitted': 'auto-generated' },
    baseBoundary: messageId.replaceAll(/[^\w]/g, ''),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build()
