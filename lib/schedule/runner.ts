import { type Alongside, type Sql, transaction } from '../../db/client.ts'
import * as runners from '../../db/queries/runners.ts'
import type { App } from '../app.ts'
import { mapByOwner } from '../core/by-owner.ts'
import { isRecent } from '../core/clock.ts'

const RUNNER_LEASE_SECONDS = 30

/** Renewed when less than this is left of the lease, so that a pass costs no write of its own. */
export const RENEW_BELOW_SECONDS = 15

/** When each lease was taken or renewed. */
const heldSince = mapByOwner<App, number>()

/**
 * Whether this process is the one that runs `name` (the sweep, the relay). Takes the lease if it is free. After a long pause two
 * processes may both believe so for a moment; what they do is safe to do twice.
 * @param afterGap runs in the transaction that takes the lease, if nobody had held it for a time, or the clock was set back
 */
export const acquireLease = async (
  app: App,
  name: string,
  afterGap?: Alongside<[runners.Acquired]>,
): Promise<boolean> => {
  const leases = heldSince(app)
  const now = app.clock.now()
  if (isRecent(app.clock, leases.get(name) ?? 0, (RUNNER_LEASE_SECONDS - RENEW_BELOW_SECONDS) * 1_000)) return true
  const take = async (sql: Sql): Promise<boolean> => {
    const acquired = await runners.acquire(sql, name, app.instance, RUNNER_LEASE_SECONDS)
    if (acquired && acquired.vacantSeconds + acquired.setBackSeconds > 0) await afterGap?.(sql, acquired)
    if (acquired && acquired.setBackSeconds > 0) tellOfClock(app, name, Math.round(acquired.setBackSeconds))
    return acquired !== null
  }
  if (!(await (afterGap ? transaction(app.sql, take) : take(app.sql)))) {
    leases.delete(name)
    return false
  }
  leases.set(name, now)
  return true
}

const tellOfClock = ({ log }: App, name: string, setBackSeconds: number): void =>
  log.warn(
    { name, setBackSeconds },
    'the clock of PostgreSQL was set back: what was due by it waits until it is as late again',
  )

/** Gives back all leases of this process before it stops or is frozen, so that the next one needn't wait. Never throws. */
export const releaseLeases = async (app: App): Promise<void> => {
  const names = [...heldSince(app).keys()]
  heldSince(app).clear()
  if (names.length === 0) return
  await runners
    .release(app.sql, names, app.instance)
    .catch((error: unknown) => app.log.warn({ err: error }, 'leases were not given back; they run out'))
}
