-- migrate:up

-- What is due of a kind with limits, whatever its key: the index by key can't tell without a look at every key.
CREATE INDEX jobs_limited_due_idx ON jobs (kind, start_at) WHERE state = 'queued' AND concurrency_key IS NOT NULL;

-- migrate:down
DROP INDEX jobs_limited_due_idx;
