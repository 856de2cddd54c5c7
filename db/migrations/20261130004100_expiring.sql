-- migrate:up
SET LOCAL lock_timeout = '3s';

-- What expires next of the jobs that have never started. Jobs without an expiry are not in it, and cost nothing by it.
CREATE INDEX jobs_expiring_idx ON jobs (expires_at)
  WHERE expires_at IS NOT NULL AND stint = 0 AND state IN ('blocked', 'queued');

-- migrate:down
SET LOCAL lock_timeout = '3s';
DROP INDEX jobs_expiring_idx;
