-- migrate:up
SET LOCAL lock_timeout = '3s';

ALTER TABLE stints ADD stack text;
COMMENT ON COLUMN stints.stack IS 'Where an error was thrown that nobody foresaw, and its causes: 8 KiB at most.';

-- migrate:down
SET LOCAL lock_timeout = '3s';
ALTER TABLE stints DROP COLUMN stack;
