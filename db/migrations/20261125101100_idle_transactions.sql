-- migrate:up

-- A worker that stands still within a transaction, or whose machine is gone without a word, would keep the locks on its
-- job's row for as long as TCP believes in it, for hours, and nobody could end the lost lease. Half of a lease is more
-- than any transaction waits for its client. For the database and not per session: such settings don't survive a pooler.
DO $$
BEGIN
  EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = %L', current_database(), '30s');
END $$;

-- migrate:down
DO $$
BEGIN
  EXECUTE format('ALTER DATABASE %I RESET idle_in_transaction_session_timeout', current_database());
END $$;
