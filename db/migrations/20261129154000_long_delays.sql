-- migrate:up
SET LOCAL lock_timeout = '3s';

-- What falls due now of the jobs whose delay no doorbell can wait for: the index of startable jobs can't tell without a look
-- at every project. Jobs that are due when they come are not in it, and cost nothing by it.
CREATE INDEX jobs_long_delayed_idx ON jobs (start_at)
  WHERE state = 'queued' AND start_at - greatest(queued_at, stint_started_at) > interval '10 minutes';

-- migrate:down
SET LOCAL lock_timeout = '3s';
DROP INDEX jobs_long_delayed_idx;
