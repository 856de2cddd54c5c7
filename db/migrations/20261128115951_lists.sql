-- migrate:up

-- Lists go by id. Jobs that end badly, and those that wait for others, lie scattered among all that ended well. Jobs that
-- are queued, run and succeed are in neither index, and cost nothing by them.
CREATE INDEX jobs_unsuccessful_idx ON jobs (project_id, state, id DESC) WHERE state IN ('failed', 'cancelled');
DROP INDEX jobs_blocked_idx;
CREATE INDEX jobs_blocked_idx ON jobs (project_id, id DESC) WHERE state = 'blocked';

-- migrate:down
DROP INDEX jobs_blocked_idx;
CREATE INDEX jobs_blocked_idx ON jobs (project_id) WHERE state = 'blocked';
DROP INDEX jobs_unsuccessful_idx;
