-- migrate:up
CREATE INDEX jobs_failures_idx ON jobs (project_id, finished_at DESC) WHERE state = 'failed';

-- migrate:down
DROP INDEX jobs_failures_idx;
