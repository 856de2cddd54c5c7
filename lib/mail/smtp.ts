import { createTransport } from 'nodemailer'
import { storable } from '../core/storable.ts'
import type { Delivery, Mailer, Refusal } from './mailer.ts'

/** Together less than a minute, so that a server that hangs costs an attempt, and not all of the function's time. */
const TIMEOUTS = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 }

/** Sends over SMTP, with a connection for each mail: a pooled one would be dead when a frozen function thaws. */
export const createSmtpMailer = (url: string): Mailer => {
  const transport = createTransport({ url, ...TIMEOUTS, disableFileAccess: true, disableUrlAccess: true })
  return {
    send: async ({ bytes }, envelope) => {
      try {
        const { accepted, rejectedErrors } = await transport.sendMail({ envelope: { ...envelope }, raw: bytes })
        return asGiven({ accepted: accepted.map(String), ...sorted(rejectedErrors) }, envelope.to)
      } catch (error) {
        const delivery = deliveryOf(error, envelope.to)
        if (delivery) return delivery
        throw error
      }
    },
    close: () => transport.close(),
  }
}

/** The fields of nodemailer's errors. */
interface SmtpError {
  message: string
  command?: string | undefined
  responseCode?: number | undefined
  response?: string | undefined
  recipient?: string | undefined
  rejectedErrors?: SmtpError[] | undefined
}

/** Gives addresses back as the caller wrote them: nodemailer writes their domains in lower case. */
const asGiven = ({ accepted, rejected, deferred }: Delivery, to: string[]): Delivery => {
  const given = new Map(to.map((address) => [address.toLowerCase(), address]))
  const named = (address: string): string => given.get(address.toLowerCase()) ?? address
  const refused = (refusal: Refusal): Refusal => ({ ...refusal, address: named(refusal.address) })
  return { accepted: accepted.map(named), rejected: rejected.map(refused), deferred: deferred.map(refused) }
}

/** What an error says about recipients: each was refused, or the whole mail. Undefined if it isn't about them. */
const deliveryOf = (error: unknown, to: string[]): Delivery | undefined => {
  if (!(error instanceof Error)) return undefined
  const { rejectedErrors = [], responseCode, response, command, message }: SmtpError = error
  // A server that refuses us (at EHLO, AUTH or MAIL FROM) has nothing against this mail.
  if (!responseCode || (command !== 'DATA' && command !== 'RCPT TO')) return undefined
  const alone = new Set(rejectedErrors.map(({ recipient = '' }) => recipient.toLowerCase()))
  const others = to.filter((address) => !alone.has(address.toLowerCase()))
  const all = others.map((recipient) => ({ recipient, responseCode, response, message }))
  return asGiven({ accepted: [], ...sorted([...rejectedErrors, ...all]) }, to)
}

/** RFC 5321, 4.2.1: 5yz is permanent, 4yz is not. */
const sorted = (errors: SmtpError[] = []): Pick<Delivery, 'rejected' | 'deferred'> => {
  const forGood = (error: SmtpError) => (error.responseCode ?? 0) >= 500
  return {
    rejected: errors.filter(forGood).map(toRefusal),
    deferred: errors.filter((error) => !forGood(error)).map(toRefusal),
  }
}

const toRefusal = ({ recipient = '', response, message }: SmtpError): Refusal => ({
  address: recipient,
  reply: storable((response ?? message).slice(0, 500)),
})
