import type { Pool } from '../../db/client.ts'

/**
 * Gives a database a clock that the test sets: its own `now()` and `clock_timestamp()`, which are found before
 * Postgres's. As with the real ones, a transaction keeps the time at which it began, whatever jumps meanwhile.
 * Connections see it that are opened after this.
 */
export const installClock = async (sql: Pool): Promise<void> => {
  await sql.unsafe(`
    CREATE SCHEMA clock;
    CREATE TABLE clock.jumps (at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(), by interval NOT NULL);
    CREATE FUNCTION clock.now() RETURNS timestamptz STABLE LANGUAGE sql AS
      'SELECT pg_catalog.now() + coalesce(sum(by), interval ''0'') FROM clock.jumps WHERE at <= pg_catalog.now()';
    CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS
      'SELECT pg_catalog.clock_timestamp() + coalesce(sum(by), interval ''0'') FROM clock.jumps';
    DO $$
    DECLARE found record;
    BEGIN
      FOR found IN
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_default = 'now()'
      LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET DEFAULT clock.now()', found.table_name, found.column_name);
      END LOOP;
      EXECUTE format('ALTER DATABASE %I SET search_path = clock, pg_catalog, public', current_database());
      EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''20ms''', current_database());
    END $$`)
}

/** Lets time jump, forwards or (with a negative number) back. */
export const jump = async (sql: Pool, seconds: number): Promise<void> => {
  await sql`INSERT INTO clock.jumps (by) VALUES (${seconds} * interval '1 second')`
}
