-- migrate:up
SET LOCAL lock_timeout = '3s';

-- Lists go by id. Jobs that end badly, and those that wait for others, lie scattered among all that ended well. Jobs that
-- are queued, run and succeed are in neither index, and cost nothing by them.
CREATE INDEX jobs_unsuccessful_idx ON jobs (project_id, state, id DESC) WHERE state IN ('failed', 'cancelled');
CREATE INDEX jobs_blocked_list_idx ON jobs (project_id, id DESC) WHERE state = 'blocked';
-- Last: from here on nobody can read jobs either.
DROP INDEX jobs_blocked_idx;
ALTER INDEX jobs_blocked_list_idx RENAME TO jobs_blocked_idx;

-- migrate:down
SET LOCAL lock_timeout = '3s';
CREATE INDEX jobs_blocked_project_idx ON jobs (project_id) WHERE state = 'blocked';
DROP INDEX jobs_blocked_idx;
ALTER INDEX jobs_blocked_project_idx RENAME TO jobs_blocked_idx;
DROP INDEX jobs_unsuccessful_idx;
