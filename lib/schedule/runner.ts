import * as runners from '../../db/queries/runners.ts'
import type { App } from '../app.ts'

const LEASE_SECONDS = 30

/** Renewed when less than this is left of the lease, so that a pass costs no write of its own. */
const RENEW_BELOW_MS = 15_000

const until = new WeakMap<App, Map<string, number>>()

/**
 * Whether this process is the one that runs `name` (the sweep, the relay), taking the lease if it is free.
 * Two processes may both believe so for a moment after a long pause; what they do is safe to do twice.
 * @param onVacant told, when the lease is taken, for how many seconds nobody had held it
 */
export const holds = async (
  app: App,
  name: string,
  onVacant?: (seconds: number) => Promise<void>,
): Promise<boolean> => {
  const leases = until.get(app) ?? new Map<string, number>()
  until.set(app, leases)
  const now = app.clock.now()
  if ((leases.get(name) ?? 0) - now > RENEW_BELOW_MS) return true
  const acquired = await runners.acquire(app.sql, name, app.instance, LEASE_SECONDS)
  if (!acquired) {
    leases.delete(name)
    return false
  }
  await onVacant?.(acquired.vacantSeconds)
  leases.set(name, now + LEASE_SECONDS * 1_000)
  return true
}

/** Gives the lease back when the process stops. */
export const letGo = async (app: App, name: string): Promise<void> => {
  until.get(app)?.delete(name)
  await runners.release(app.sql, name, app.instance)
}
