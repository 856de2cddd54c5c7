-- migrate:up
SET LOCAL lock_timeout = '3s';

-- The relay looks up the trace context of the jobs whose events it publishes. Jobs without one, usually all, are not in it, and
-- cost nothing by it.
CREATE INDEX jobs_traced_idx ON jobs (id) WHERE traceparent IS NOT NULL;

-- migrate:down
SET LOCAL lock_timeout = '3s';
DROP INDEX jobs_traced_idx;
