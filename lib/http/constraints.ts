import { brokenConstraint } from '../../db/client.ts'
import { type ErrorCode, StintError } from '../core/errors.ts'

/** The constraints that a caller may break, and how the API calls it. Breaking any other one is our own fault. */
const CODES: Record<string, ErrorCode> = {
  users_email_key: 'EMAIL_TAKEN',
  device_models_project_code_key: 'DEVICE_MODEL_CODE_TAKEN',
  serial_numbers_device_model_id_fkey: 'DEVICE_MODEL_IN_USE',
}

/** What the database refused, as the error that it stands for; undefined for every other error. */
export const asConflict = (error: unknown): StintError | undefined => {
  const code = CODES[brokenConstraint(error) ?? '']
  return code && new StintError(code, undefined, { cause: error })
}
