import type { Sql } from '../client.ts'

/**
 * Takes or renews the lease of what must run only once at a time. A row and not an advisory lock, because session
 * locks don't survive a transaction pooler.
 * @returns null when somebody else holds it; else for how many seconds nobody had held it
 */
export const acquire = async (
  sql: Sql,
  name: string,
  holder: string,
  leaseSeconds: number,
): Promise<{ vacantSeconds: number } | null> => {
  const [row] = await sql<{ vacantSeconds: number }[]>`
    WITH before AS (SELECT lease_until FROM runners WHERE name = ${name})
    INSERT INTO runners (name, holder, lease_until)
    VALUES (${name}, ${holder}, now() + ${leaseSeconds} * interval '1 second')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until
    WHERE runners.holder = excluded.holder OR runners.lease_until < now()
    RETURNING greatest(0, coalesce((SELECT extract(epoch FROM now() - lease_until) FROM before), 0))::double precision
      AS vacant_seconds`
  return row ?? null
}

/** Gives the leases back, so that the next runner needn't wait until they run out. */
export const release = async (sql: Sql, names: string[], holder: string): Promise<void> => {
  await sql`UPDATE runners SET lease_until = now() WHERE name = ANY (${names}) AND holder = ${holder} AND lease_until > now()`
}
