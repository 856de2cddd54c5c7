import type { Pool } from '../../db/client.ts'

/** The tables whose rows are deleted with their job. */
const TABLES = ['jobs', 'stints', 'job_logs', 'events', 'job_dependencies']

/**
 * Keeps deleted rows in tables of the same names, with `gone_at`, the number of the latest event at their deletion, and
 * `gone_seeing`, the transactions that the deletion saw. So jobs that are gone are checked against the same promises as
 * those that are there.
 */
export const installArchive = async (sql: Pool): Promise<void> => {
  await sql.unsafe(`
    CREATE SCHEMA archive;
    CREATE FUNCTION archive.keep() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN EXECUTE format(''INSERT INTO archive.%I SELECT ($1).*'', TG_TABLE_NAME) USING OLD; RETURN OLD; END';
    ${TABLES.map(
      (table) => `
    CREATE TABLE archive.${table} (LIKE public.${table});
    ALTER TABLE archive.${table} ADD COLUMN gone_at bigint
      DEFAULT coalesce(pg_sequence_last_value(pg_get_serial_sequence('public.events', 'id')), 0),
      ADD COLUMN gone_seeing pg_snapshot DEFAULT pg_current_snapshot();
    CREATE TRIGGER keep BEFORE DELETE ON public.${table} FOR EACH ROW EXECUTE FUNCTION archive.keep();`,
    ).join('')}`)
}
