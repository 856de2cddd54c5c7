-- migrate:up
SET LOCAL lock_timeout = '3s';
COMMENT ON COLUMN idempotency_keys.project_id IS 'Whose key it is: a project''s; or a job''s, of those that it submits itself.';
COMMENT ON COLUMN idempotency_keys.expires_at IS 'A project''s key is kept for 24 hours, a job''s until the job is removed or begins from the start.';
ALTER TABLE jobs ADD COLUMN submitted_by uuid;
COMMENT ON COLUMN jobs.submitted_by IS 'The job that submitted it, which may be gone by now; null for those that people and schedules submit.';

-- migrate:down
SET LOCAL lock_timeout = '3s';
DELETE FROM idempotency_keys WHERE expires_at = 'infinity';
ALTER TABLE jobs DROP COLUMN submitted_by;
COMMENT ON COLUMN idempotency_keys.expires_at IS NULL;
COMMENT ON COLUMN idempotency_keys.project_id IS NULL;
