import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { z } from 'zod'
import { isUnreachable } from '../../db/client.ts'
import { CATALOGUE, type FieldError, StintError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { asConflict } from './constraints.ts'

/** An error as it leaves the API (RFC 9457). */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'Where this kind of problem is described.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z
      .enum(Object.keys(CATALOGUE) as [keyof typeof CATALOGUE])
      .meta({ description: 'Stable; what programs should look at.' }),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' })

export type Problem = z.output<typeof problemSchema>

/**
 * The answer for anything thrown while a request was served. Only catalogued errors show themselves; the rest is a
 * bare 500 (or 503 where a component can't be reached), with the whole error in the log under the request's id.
 */
export const toProblem = (
  error: unknown,
  requestId: string,
  log: Logger | undefined,
): APIGatewayProxyStructuredResultV2 => {
  const known = asStintError(error)
  if (known.status >= 500) log?.error({ err: error, requestId }, 'request failed')
  const body = {
    type: `/docs#${known.code}`,
    title: CATALOGUE[known.code][1],
    status: known.status,
    detail: known.message,
    code: known.code,
    requestId,
    ...(known.errors && { errors: known.errors }),
  } satisfies z.input<typeof problemSchema>
  return {
    statusCode: known.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...known.headers },
    body: JSON.stringify(body),
  }
}

const asStintError = (error: unknown): StintError => {
  if (error instanceof StintError) return error
  if (isUnreachable(error))
    return new StintError('UNAVAILABLE', undefined, { cause: error, headers: { 'retry-after': '1' } })
  return asConflict(error) ?? new StintError('INTERNAL', undefined, { cause: error })
}

/** zod's issues as field errors: `jobs[3].input.digits`. */
export const fieldErrors = (error: z.ZodError, prefix = ''): FieldError[] =>
  error.issues.flatMap((issue) => {
    const path = pathOf(issue.path, prefix)
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }]
    return issue.keys.map((key) => ({ path: path ? `${path}.${key}` : key, message: 'this field is not known here' }))
  })

const pathOf = (path: PropertyKey[], prefix: string): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text ? `${text}.${String(key)}` : String(key)
  }, prefix)
