import { cut } from './cut.ts'

/** Every error that may leave the API: its code, its HTTP status and its title, side by side. */
export const CATALOGUE = {
  // Requests
  MALFORMED_REQUEST: [400, 'The request is not valid HTTP'],
  REQUEST_TIMEOUT: [408, 'The request took too long to arrive'],
  HEADERS_TOO_LARGE: [431, 'The address and the headers are too large'],
  EXPECTATION_FAILED: [417, 'The Expect header cannot be fulfilled'],
  MALFORMED_JSON: [400, 'The body is not valid JSON'],
  MALFORMED_RPC: [400, 'The body is not a Thrift message'],
  VALIDATION_FAILED: [422, 'The request has invalid fields'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'The content type is not supported here'],
  PAYLOAD_TOO_LARGE: [413, 'The body is too large'],
  NOT_FOUND: [404, 'There is nothing at this address'],
  METHOD_NOT_ALLOWED: [405, 'The method is not allowed here'],
  LIMIT_REACHED: [409, 'There may be no more of these'],
  RATE_LIMITED: [429, 'Too many requests'],
  INTERNAL: [500, 'Something went wrong on our side'],
  UNAVAILABLE: [503, 'A component that this request needs cannot be reached'],
  // Auth
  UNAUTHENTICATED: [401, 'A valid access token or API key is required'],
  INVALID_CREDENTIALS: [401, 'Email or password is wrong'],
  REFRESH_TOKEN_INVALID: [401, 'The refresh token is unknown, expired or revoked'],
  REFRESH_TOKEN_REUSED: [401, 'The refresh token was used before; its session is revoked'],
  ACCOUNT_TOKEN_INVALID: [422, 'The token is unknown, expired or used'],
  MAIL_NOT_CONFIGURED: [503, 'This installation cannot send mails'],
  EMAIL_TAKEN: [409, 'An account with this email exists'],
  FORBIDDEN: [403, 'Your role does not allow this'],
  SCOPE_MISSING: [403, 'The API key does not have the scope for this'],
  API_KEY_NOT_FOUND: [404, 'No such API key'],
  // Projects
  PROJECT_NOT_FOUND: [404, 'No such project'],
  PROJECT_HAS_LIVE_JOBS: [409, 'The project has jobs that have not ended'],
  MEMBER_NOT_FOUND: [404, 'No such member'],
  USER_NOT_FOUND: [404, 'No such user'],
  LAST_OWNER: [409, 'A project needs at least one owner'],
  // Jobs
  JOB_NOT_FOUND: [404, 'No such job'],
  UNKNOWN_KIND: [422, 'No such job kind'],
  JOB_FAILED: [422, 'The job that this request waited for did not succeed'],
  JOB_RUNNING: [409, 'The job is running; only waiting jobs can be changed'],
  JOB_ENDED: [409, 'The job has already ended'],
  JOB_NOT_ENDED: [409, 'The job has not ended yet'],
  IDEMPOTENCY_KEY_REUSED: [409, 'The idempotency key was used with another request'],
  UNIQUE_KEY_TAKEN: [409, 'Another job has the unique key'],
  JOB_UNPUBLISHED: [409, 'The job has events that are not published yet'],
  JOB_SUCCEEDED: [409, 'The job has succeeded; only failed and cancelled jobs can be retried'],
  JOB_IN_USE: [
    409,
    'A job that has not ended depends on it, submitted it, or needs a file that it made, or a schedule needs one',
  ],
  // System
  PROCESS_NOT_FOUND: [404, 'No such process'],
  PROCESSES_UNMANAGED: [409, 'Stint does not manage the processes of this stage'],
  PROCESS_ACTION_REFUSED: [409, 'This cannot be done with the process now'],
  // Schedules
  SCHEDULE_NOT_FOUND: [404, 'No such schedule'],
  // Files
  FILE_NOT_FOUND: [404, 'No such file'],
  FILE_NOT_UPLOADED: [409, 'The file was announced but has not arrived yet'],
  STORAGE_FULL: [409, 'The files of the project have no room for this one'],
  FILE_IN_USE: [409, 'A job that has not ended, or a schedule, needs this file'],
  // Catalogue
  DEVICE_MODEL_NOT_FOUND: [404, 'No such device model'],
  DEVICE_MODEL_CODE_TAKEN: [409, 'The project has a device model with this code'],
  DEVICE_MODEL_IN_USE: [409, 'The device model has serial numbers'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ErrorCode = keyof typeof CATALOGUE

/** One thing that is wrong with a request: `path` names the field (`input.digits`, `jobs[3].kind`), `message` what was expected. */
export interface FieldError {
  path: string
  message: string
}

/** More errors are only counted: otherwise a caller could make the answer as long as a body may be. */
export const MAX_FIELD_ERRORS = 100
/** A field's name may be as long as a body, too. */
const MAX_PATH = 200

/** Collects what is wrong with a request: the first hundred, and how many there are. */
export class FieldErrors {
  readonly list: FieldError[] = []
  count = 0

  /** @param path `['jobs', 3, 'kind']`, behind a `prefix` */
  add(path: readonly PropertyKey[], message: string, prefix = ''): void {
    this.count++
    if (this.list.length < MAX_FIELD_ERRORS) this.list.push({ path: pathText(path, prefix), message })
  }

  /** For an error's detail: how many errors there are, if not all are listed. */
  get more(): string {
    return this.count > this.list.length ? ` (${this.count} errors; the first ${this.list.length} are named)` : ''
  }
}

/** `jobs[3].input.digits` */
const pathText = (path: readonly PropertyKey[], prefix: string): string => {
  const text = path.reduce<string>((before, key) => {
    if (typeof key === 'number') return `${before}[${key}]`
    return before ? `${before}.${String(key)}` : String(key)
  }, prefix)
  return cut(text, MAX_PATH)
}

/** An error that a caller may see. Anything else that is thrown leaves the API as a bare 500. */
export class StintError extends Error {
  override readonly name = 'StintError'
  readonly code: ErrorCode
  readonly status: number
  readonly errors: FieldError[] | undefined
  readonly headers: Record<string, string> | undefined

  constructor(
    code: ErrorCode,
    detail?: string,
    options: { errors?: FieldError[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail ?? CATALOGUE[code][1], { cause: options.cause })
    this.code = code
    this.status = CATALOGUE[code][0]
    this.errors = options.errors
    this.headers = options.headers
  }
}

/** A `VALIDATION_FAILED` that names one field. */
export const invalidField = (path: string, message: string): StintError =>
  new StintError('VALIDATION_FAILED', `${path}: ${message}`, { errors: [{ path, message }] })

/** A `VALIDATION_FAILED` that names the fields, the first of them in its detail, behind `lead`. */
export const invalidFields = (lead: string, { list, more }: FieldErrors, whole = ''): StintError => {
  const first = [list[0]?.path || whole, list[0]?.message].filter(Boolean).join(': ')
  return new StintError('VALIDATION_FAILED', `${lead}${first}${more}`, { errors: list })
}
