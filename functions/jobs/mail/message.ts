import { z } from 'zod'
import { fill, filledLength, namesIn } from './template.ts'

/** The limit of SES, the strictest of the usual servers, for one exchange. */
const MAX_RECIPIENTS = 50

/** Of a text with its values: one of 50 000 characters that repeats a long value has room for a hundred million. */
const MAX_FILLED = 1_000_000

const address = z.string().max(254, { abort: true }).check(z.email())
const addresses = z.array(address).max(MAX_RECIPIENTS)

/** Text in a header: control characters, line ends above all, would begin another one. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u
const header = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !CONTROL.test(text), 'expected one line, without control characters')

/** A mail: its recipients and contents. */
export const message = z
  .strictObject({
    to: addresses.min(1),
    cc: addresses.default([]),
    bcc: addresses.default([]).meta({ description: 'Get the mail without being named in it' }),
    replyTo: address.optional(),
    subject: header,
    text: z.string().min(1).max(50_000).optional(),
    html: z.string().min(1).max(50_000).optional(),
    values: z
      .record(z.string().regex(/^[\w-]{1,50}$/), z.union([z.string().max(10_000), z.number(), z.boolean()]))
      .default({})
      .meta({ description: 'Each replaces `{{name}}` in subject, text and html; escaped in html' }),
    attachments: z
      .array(z.uuid().toLowerCase())
      .max(10)
      .default([])
      .meta({ description: 'Ids of files; 10 MB in all' }),
  })
  .superRefine((it, context) => {
    const wrong = (path: string[], text: string) => context.addIssue({ code: 'custom', path, message: text })
    if (it.text === undefined && it.html === undefined) wrong(['text'], 'give text, html or both')
    const recipients = it.to.length + it.cc.length + it.bcc.length
    if (recipients > MAX_RECIPIENTS)
      wrong(['to'], `${recipients} recipients with cc and bcc, of at most ${MAX_RECIPIENTS}`)
    for (const field of ['subject', 'text', 'html'] as const) {
      const missing = namesIn(it[field] ?? '').find((name) => !Object.hasOwn(it.values, name))
      if (missing !== undefined) wrong([field], `has a place for {{${missing}}}, which values doesn't name`)
    }
    for (const field of ['text', 'html'] as const) {
      const length = filledLength(it[field] ?? '', it.values)
      if (length > MAX_FILLED) wrong([field], `${length} characters with its values, of at most ${MAX_FILLED}`)
    }
    const filled = header.safeParse(fill(it.subject, it.values))
    if (!filled.success) wrong(['subject'], `with its values: ${filled.error.issues[0]?.message}`)
  })

export type Message = z.output<typeof message>

/** Each address once, in the order of to, cc and bcc. */
export const recipientsOf = ({ to, cc, bcc }: Message): string[] => {
  const byAddress = new Map([...to, ...cc, ...bcc].toReversed().map((it) => [it.toLowerCase(), it]))
  return [...byAddress.values()].toReversed()
}
