-- migrate:up
SET LOCAL lock_timeout = '3s';
ALTER TABLE schedules ADD COLUMN missed_at timestamptz;
COMMENT ON COLUMN schedules.missed_at IS 'The first tick that could make no job, while it is still to be made up for.';
COMMENT ON COLUMN schedules.next_at IS 'The next tick, or sooner: when one that could make no job is tried again. NULL while paused, and when none will ever come.';

-- migrate:down
SET LOCAL lock_timeout = '3s';
COMMENT ON COLUMN schedules.next_at IS 'The next tick. NULL while paused, and when none will ever come.';
ALTER TABLE schedules DROP COLUMN missed_at;
