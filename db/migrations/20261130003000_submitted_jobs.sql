-- migrate:up
SET LOCAL lock_timeout = '3s';

-- What a job submitted, in the order of lists. Jobs that people and schedules submit are not in it, and cost nothing by it.
CREATE INDEX jobs_submitted_idx ON jobs (submitted_by, id DESC) WHERE submitted_by IS NOT NULL;

-- migrate:down
SET LOCAL lock_timeout = '3s';
DROP INDEX jobs_submitted_idx;
