import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { onTestFinished } from 'vitest'

/** A mail as a server has taken it. */
export interface ReceivedMail {
  from: string
  to: string[]
  /** Header and body, as they came. */
  raw: string
}

export interface SmtpServerOptions {
  /** What is answered to a recipient: nothing special, or a refusal such as `550 no such user`. */
  answerRecipient?: (address: string) => string | undefined
  /** What is answered to a mail that has come whole. It is called before the answer. */
  answerMail?: (mail: ReceivedMail, nth: number) => string | undefined
}

/** A real SMTP server that keeps what it gets. Ends with the test. */
export const startSmtpServer = async (options: SmtpServerOptions = {}) => {
  const mails: ReceivedMail[] = []
  let came = 0
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo: ({ address }, _session, callback) => callback(refusal(options.answerRecipient?.(address))),
    onData: (stream, { envelope }, callback) => {
      void text(stream).then((raw) => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : ''
        const mail = { from, to: envelope.rcptTo.map(({ address }) => address), raw }
        came++
        const error = refusal(options.answerMail?.(mail, came))
        if (!error) mails.push(mail)
        callback(error)
      })
    },
  })
  // A client that is killed in the middle is what some tests are about.
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  onTestFinished(() => new Promise((resolve) => server.close(resolve)))
  return { url: `smtp://127.0.0.1:${port}`, mails }
}

/** One header of a mail, unfolded. */
export const headerOf = ({ raw }: Pick<ReceivedMail, 'raw'>, name: string): string | undefined => {
  const head = raw.split(/\r?\n\r?\n/)[0]?.replaceAll(/\r?\n[ \t]+/g, ' ') ?? ''
  return head
    .split(/\r?\n/)
    .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}: `))
    ?.slice(name.length + 2)
}

const refusal = (reply: string | undefined): Error | undefined => {
  if (reply === undefined) return undefined
  const [code = '', ...words] = reply.split(' ')
  return Object.assign(new Error(words.join(' ')), { responseCode: Number(code) })
}
