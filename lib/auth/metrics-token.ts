import { timingSafeEqual } from 'node:crypto'
import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'
import { bearerToken } from './bearer.ts'
import { hashSecret } from './secret-hash.ts'

/**
 * Lets in whoever has METRICS_TOKEN. If it isn't configured, everybody may read metrics where Stint runs on emulated
 * components, and nobody elsewhere.
 * @throws {StintError} UNAUTHENTICATED
 */
export const requireMetricsToken = ({ config }: App, authorization: string | undefined): void => {
  const { token, isOpen } = config.metrics
  if (isOpen) return
  const given = bearerToken(authorization)
  if (token && given && isSame(token, given)) return
  throw new StintError('UNAUTHENTICATED', 'Send "Authorization: Bearer <METRICS_TOKEN>".')
}

/** Takes the same time for every wrong one, whatever its length. */
const isSame = (a: string, b: string): boolean => timingSafeEqual(hashSecret(a), hashSecret(b))
