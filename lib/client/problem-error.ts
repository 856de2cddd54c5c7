import type { ErrorCode, FieldError } from '../core/errors.ts'

interface Problem {
  code: ErrorCode
  title: string
  detail: string
  requestId: string
  errors?: FieldError[]
}

/** A request that got an answer, but not a success. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly status: number
  /** Undefined if the answer isn't a problem document, because it came from something in front of the API. */
  readonly code: ErrorCode | undefined
  readonly title: string
  /** What is wrong with which field. */
  readonly errors: readonly FieldError[]
  readonly requestId: string | undefined
  /** How long to wait before it is worth another try, where the API says so. */
  readonly retryAfterSeconds: number | undefined

  constructor(response: Pick<Response, 'status' | 'statusText' | 'headers'>, problem: Problem | undefined) {
    const title = problem?.title ?? `${response.status} ${response.statusText}`.trim()
    super(problem?.detail ?? title)
    this.status = response.status
    this.code = problem?.code
    this.title = title
    this.errors = problem?.errors ?? []
    this.requestId = problem?.requestId ?? response.headers.get('x-request-id') ?? undefined
    const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
    this.retryAfterSeconds = Number.isFinite(retryAfter) ? retryAfter : undefined
  }

  /** Reads the answer to its end. */
  static async of(response: Response): Promise<ProblemError> {
    const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
    if (isProblem) return new ProblemError(response, (await response.json()) as Problem)
    await response.body?.cancel()
    return new ProblemError(response, undefined)
  }
}

/** A request that got no answer, or not all of it. `cause` is the network's error. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'

  /** @param baseUrl empty in a page that the API serves, where nobody doubts which one is meant */
  static of(route: string, baseUrl: string, cause: unknown): UnreachableError {
    return new UnreachableError(`${route} was not answered${baseUrl && ` by ${baseUrl}`}`, { cause })
  }
}

/** Whether the API could not be reached, or could not answer: it may come back. */
export const isAway = (error: unknown): boolean =>
  error instanceof UnreachableError || (error instanceof ProblemError && error.status >= 500)
