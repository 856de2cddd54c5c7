-- migrate:up
SET LOCAL lock_timeout = '3s';
ALTER TABLE jobs ADD COLUMN expires_at timestamptz;
COMMENT ON COLUMN jobs.expires_at IS 'When no stint has begun by then, none does, and the job is cancelled; null: it waits for as long as it takes.';

-- migrate:down
SET LOCAL lock_timeout = '3s';
ALTER TABLE jobs DROP COLUMN expires_at;
