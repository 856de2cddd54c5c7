import type { Pool } from '../../db/client.ts'

/** Tables with what belongs to a job, and goes with it. */
const TABLES = ['jobs', 'stints', 'job_logs', 'events', 'job_dependencies']

/**
 * Keeps, in tables of the same names, what is deleted, as it was, and when that happened: `gone_at` is the number of the
 * latest event. So jobs that are gone are held against the same promises as those that are there.
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
      DEFAULT coalesce(pg_sequence_last_value(pg_get_serial_sequence('public.events', 'id')), 0);
    CREATE TRIGGER keep BEFORE DELETE ON public.${table} FOR EACH ROW EXECUTE FUNCTION archive.keep();`,
    ).join('')}`)
}
