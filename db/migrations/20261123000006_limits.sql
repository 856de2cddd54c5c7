-- migrate:up
ALTER TABLE jobs ADD COLUMN concurrency_key text;
COMMENT ON COLUMN jobs.concurrency_key IS 'Of kinds with limits: what their jobs are limited by (a host, a customer), or empty. NULL: no limits.';

-- Jobs with limits have an index of their own, so that a backlog that may not start lies in nobody's way.
DROP INDEX jobs_startable_idx;
CREATE INDEX jobs_startable_idx ON jobs (queue, project_id, priority, start_at, id)
  WHERE state = 'queued' AND concurrency_key IS NULL;
CREATE INDEX jobs_limited_idx ON jobs (kind, concurrency_key, priority, start_at, id)
  WHERE state = 'queued' AND concurrency_key IS NOT NULL;
CREATE INDEX jobs_limited_running_idx ON jobs (kind, concurrency_key)
  WHERE state = 'running' AND concurrency_key IS NOT NULL;

CREATE TABLE limits (
  kind         text PRIMARY KEY,
  tokens       double precision NOT NULL,
  refilled_at  timestamptz NOT NULL DEFAULT now(),
  last_key     text NOT NULL DEFAULT ''
);
COMMENT ON TABLE limits IS 'One row per kind with limits, locked by whoever claims jobs of it. Running jobs are counted, never remembered.';
COMMENT ON COLUMN limits.tokens IS 'Starts that the rate limit allows now, as of refilled_at.';
COMMENT ON COLUMN limits.last_key IS 'Where the last claim stopped: the keys take turns.';

-- migrate:down
DROP TABLE limits;
DROP INDEX jobs_limited_running_idx;
DROP INDEX jobs_limited_idx;
DROP INDEX jobs_startable_idx;
CREATE INDEX jobs_startable_idx ON jobs (queue, project_id, priority, start_at, id) WHERE state = 'queued';
ALTER TABLE jobs DROP COLUMN concurrency_key;
