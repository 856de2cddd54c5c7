import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'

export const verifyAccessToken = async (_app: App, _token: string): Promise<string> => {
  throw new StintError('UNAUTHENTICATED')
}
