-- migrate:up
SET LOCAL lock_timeout = '3s';

-- The outbox is emptied all the time, so each vacuum found its file empty and gave it back, for which it kept everybody who writes
-- an event waiting. The space is used again at once.
ALTER TABLE outbox SET (vacuum_truncate = off, toast.vacuum_truncate = off);

-- migrate:down
SET LOCAL lock_timeout = '3s';
ALTER TABLE outbox RESET (vacuum_truncate, toast.vacuum_truncate);
