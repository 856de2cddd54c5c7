-- migrate:up
SET LOCAL lock_timeout = '3s';
ALTER TABLE schedules ADD COLUMN expires_in_seconds integer CHECK (expires_in_seconds > 0);
COMMENT ON COLUMN schedules.expires_in_seconds IS 'When no stint has begun so long after its tick, the job is cancelled; null: it waits for as long as it takes.';

-- migrate:down
SET LOCAL lock_timeout = '3s';
ALTER TABLE schedules DROP COLUMN expires_in_seconds;
