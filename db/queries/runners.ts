import type { Sql } from '../client.ts'

/**
 * Takes or renews the lease of what must run only once at a time. A row and not an advisory lock, because session
 * locks don't survive a transaction pooler.
 * @returns whether `holder` has it now
 */
export const acquire = async (sql: Sql, name: string, holder: string, leaseSeconds: number): Promise<boolean> => {
  const rows = await sql`
    INSERT INTO runners (name, holder, lease_until)
    VALUES (${name}, ${holder}, now() + ${leaseSeconds} * interval '1 second')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until
    WHERE runners.holder = excluded.holder OR runners.lease_until < now()
    RETURNING name`
  return rows.length === 1
}

/** Gives the lease back, so that the next holder needn't wait for its end. */
export const release = async (sql: Sql, name: string, holder: string): Promise<void> => {
  await sql`DELETE FROM runners WHERE name = ${name} AND holder = ${holder}`
}
