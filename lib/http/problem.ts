import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { z } from 'zod'
import { isGivenUp, isOutOfDisk, isUnavailable } from '../../db/client.ts'
import { cut } from '../core/cut.ts'
import { CATALOGUE, type FieldError, FieldErrors, MAX_FIELD_ERRORS, StintError } from '../core/errors.ts'
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
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .max(MAX_FIELD_ERRORS)
      .optional(),
  })
  .meta({ id: 'Problem' })

export type Problem = z.output<typeof problemSchema>

/**
 * The answer for anything thrown while a request was served. Only catalogued errors are shown; anything else is a bare 500 (or
 * 503 if a component can't be reached, or takes too long), with the whole error in the log under the request's id.
 */
export const toProblem = (
  error: unknown,
  requestId: string,
  log: Pick<Logger, 'error'> | undefined,
): APIGatewayProxyStructuredResultV2 => {
  const known = asStintError(error)
  const { errors } = known
  if (known.status >= 500) log?.error({ err: error, requestId }, 'request failed')
  const body = {
    type: `/docs#${known.code}`,
    title: CATALOGUE[known.code][1],
    status: known.status,
    detail: cut(known.message, MAX_TEXT),
    code: known.code,
    requestId,
    ...(errors && { errors: errors.slice(0, MAX_FIELD_ERRORS).map(shortened) }),
  } satisfies z.input<typeof problemSchema>
  return {
    statusCode: known.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...usualHeaders(known),
      ...known.headers,
    },
    body: JSON.stringify(body),
  }
}

/** Headers that HTTP wants with an error: the kind of token that is needed, when to try again. */
const usualHeaders = ({ status, code }: StintError): Record<string, string> => ({
  ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  ...(code === 'UNAVAILABLE' && { 'retry-after': '1' }),
})

/** Details repeat what the caller said, which may be long. */
const MAX_TEXT = 1_000
const shortened = ({ path, message }: FieldError): FieldError => ({
  path: cut(path, MAX_TEXT),
  message: cut(message, MAX_TEXT),
})

const asStintError = (error: unknown): StintError => {
  if (error instanceof StintError) return error
  if (isUnavailable(error) || isGivenUp(error) || isAwsFault(error)) {
    const detail = isOutOfDisk(error) ? 'The database has no room left on its disk.' : undefined
    return new StintError('UNAVAILABLE', detail, { cause: error })
  }
  return asConflict(error) ?? new StintError('INTERNAL', undefined, { cause: error })
}

/** Whether S3 answered that it is unavailable; AWS's client has tried again before. */
const isAwsFault = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  '$metadata' in error &&
  ((error.$metadata as { httpStatusCode?: number } | undefined)?.httpStatusCode ?? 0) >= 500

/** zod's issues as field errors: `jobs[3].input.digits`. */
export const fieldErrors = (error: z.ZodError, prefix = ''): FieldErrors => {
  const errors = new FieldErrors()
  for (const issue of error.issues) {
    if (issue.code !== 'unrecognized_keys') errors.add(issue.path, issue.message, prefix)
    else for (const key of issue.keys) errors.add([...issue.path, key], 'this field is not known here', prefix)
  }
  return errors
}
