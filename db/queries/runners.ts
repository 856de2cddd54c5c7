import type { Sql } from '../client.ts'

/** A lease that runs for so many seconds longer than any is given was given before the clock was set back. */
const CLOCK_SLACK_SECONDS = 60

export interface Acquired {
  /** For how many seconds nobody had held it. */
  vacantSeconds: number
  /** By how many seconds, about, the clock was set back since it was given the last time. */
  setBackSeconds: number
}

/**
 * Takes or renews the lease of what must run only once at a time. A row and not an advisory lock, because session
 * locks don't survive a transaction pooler.
 * @returns null when somebody else holds it
 */
export const acquire = async (
  sql: Sql,
  name: string,
  holder: string,
  leaseSeconds: number,
): Promise<Acquired | null> => {
  const [row] = await sql<Acquired[]>`
    WITH before AS (
      SELECT extract(epoch FROM now() - lease_until)::double precision AS over_for FROM runners WHERE name = ${name}
    )
    INSERT INTO runners (name, holder, lease_until)
    VALUES (${name}, ${holder}, now() + ${leaseSeconds} * interval '1 second')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until
    WHERE runners.holder = excluded.holder OR runners.lease_until < now()
      OR runners.lease_until > excluded.lease_until + ${CLOCK_SLACK_SECONDS} * interval '1 second'
    RETURNING greatest(0, coalesce((SELECT over_for FROM before), 0)) AS vacant_seconds,
              greatest(0, coalesce((SELECT -over_for - ${leaseSeconds} FROM before), 0)) AS set_back_seconds`
  if (!row) return null
  return row.setBackSeconds > CLOCK_SLACK_SECONDS ? row : { ...row, setBackSeconds: 0 }
}

/** Gives the leases back, so that the next runner needn't wait until they run out. */
export const release = async (sql: Sql, names: string[], holder: string): Promise<void> => {
  await sql`UPDATE runners SET lease_until = now() WHERE name = ANY (${names}) AND holder = ${holder} AND lease_until > now()`
}
