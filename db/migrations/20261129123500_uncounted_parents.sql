-- migrate:up
SET LOCAL lock_timeout = '3s';

-- A job may have so many children that one statement on all of them would outlast the function that runs it.
CREATE TABLE uncounted_parents (
  job_id uuid PRIMARY KEY
);
COMMENT ON TABLE uncounted_parents IS 'Jobs that have ended, and whose end is not counted at all of their children yet: the sweep goes on with them. Written with their end.';

-- In the order in which they are counted, so that each part finds its own and reads none that was counted before it.
CREATE INDEX job_dependencies_open_idx ON job_dependencies (parent_id, child_id) WHERE settled_at IS NULL;

COMMENT ON COLUMN jobs.waits_for IS 'How many of its parents have not ended, or have not been counted since. Lowered in the transaction that counts them.';

-- migrate:down
SET LOCAL lock_timeout = '3s';
COMMENT ON COLUMN jobs.waits_for IS 'How many of its parents have not ended. Lowered in the transaction that ends them.';
DROP INDEX job_dependencies_open_idx;
DROP TABLE uncounted_parents;
