-- migrate:up
SET LOCAL lock_timeout = '3s';
ALTER TABLE uncounted_parents ADD COLUMN not_before timestamptz;
COMMENT ON COLUMN uncounted_parents.not_before IS 'Not counted until then, as a retry opens the edges again, part by part; if it does not come to its end, they are counted once more.';

-- migrate:down
SET LOCAL lock_timeout = '3s';
ALTER TABLE uncounted_parents DROP COLUMN not_before;
