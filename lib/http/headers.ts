import type { JsonSchema } from './openapi-schemas.ts'

export interface Header {
  description: string
  required?: boolean
  schema: JsonSchema
}

const text = (description: string): Header => ({ description, schema: { type: 'string' } })
const always = (description: string): Header => ({ ...text(description), required: true })

/** Headers of requests, by the names in declarations: in lower case, as Node has them. */
export const TAKEN = {
  'idempotency-key': {
    description: 'A repeat of the same request with the same key, within 24 h, gives the same answer.',
    schema: { type: 'string', pattern: '^[!-~]{1,200}$' },
  },
  prefer: text('`wait=N`: answer when it is done, but within N seconds, at most 20 (RFC 7240).'),
  traceparent: text('The trace that the job shall belong to (W3C Trace Context).'),
  'if-none-match': text('The ETag of what you have: if it is still right, the answer is 304.'),
} as const satisfies Record<string, Header>
export type TakenHeader = keyof typeof TAKEN

/** Headers of answers, by the names in declarations. */
export const GIVEN = {
  location: text('Where it is.'),
  link: text('What belongs to it (RFC 8288).'),
  'content-disposition': text('The name under which it is saved (RFC 6266).'),
  etag: text('For `If-None-Match`, the next time.'),
  'idempotency-replayed': text('`true`: the answer of an earlier request with this `Idempotency-Key`.'),
  'stint-duplicate': text('`true`: another job has the unique key, and this is that one.'),
  'preference-applied': text('What was done of `Prefer`.'),
  'set-cookie': text('The session’s cookie, which scripts cannot read.'),
} as const satisfies Record<string, Header>
export type GivenHeader = keyof typeof GIVEN

/** Headers of every answer. */
export const ALWAYS = { 'x-request-id': always('Names this request in the logs.') }

/** Headers of problem documents, by status. */
export const OF_PROBLEMS: Record<number, Record<string, Header>> = {
  401: { 'www-authenticate': always('What kind of token is needed (RFC 6750).') },
  403: { 'www-authenticate': text('The scope that an API key lacks (RFC 6750).') },
  429: { 'retry-after': always('Seconds to wait.') },
  503: { 'retry-after': text('Seconds to wait.') },
}
