import type { Sql } from '../client.ts'

/**
 * Lets a role sign in with a password and use the rows of all tables, also of those that the same owner makes later. It is
 * made when there is none. It may change no table, and has no business with the list of migrations. The audit log it may read
 * and add to, and have old entries pruned. Sequences it may read: `outbox.refill` asks one for its last number. A statement ends
 * when nobody waits for it any more: a function that was stopped can't say so, and a pooler takes no such setting.
 * @param longestSeconds what a statement may take
 * @param verifier the password, as PostgreSQL stores it (`scramVerifier`)
 */
export const letUseRows = async (tx: Sql, name: string, verifier: string, longestSeconds: number): Promise<void> => {
  await tx`
    SELECT set_config('stint.role', ${name}, true), set_config('stint.verifier', ${verifier}, true),
           set_config('stint.longest', ${`${longestSeconds}s`}, true)`
  await tx`
    DO $$
    DECLARE
      name text := current_setting('stint.role');
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
        EXECUTE format('CREATE ROLE %I', name);
      END IF;
      EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', name, current_setting('stint.verifier'));
      EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', name, current_setting('stint.longest'));
      EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', name);
      EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', name);
      EXECUTE format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO %I', name);
      EXECUTE format('REVOKE ALL ON schema_migrations FROM %I', name);
      EXECUTE format('REVOKE UPDATE, DELETE ON audit_log FROM %I', name);
      EXECUTE format('GRANT EXECUTE ON FUNCTION prune_audit_log TO %I', name);
      EXECUTE format(
        'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', name);
      EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO %I', name);
    END $$`
}
