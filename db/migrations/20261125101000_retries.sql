-- migrate:up
ALTER TABLE jobs ADD COLUMN unique_key text;
COMMENT ON COLUMN jobs.unique_key IS 'The unique key that it was submitted with, and takes again when it is retried.';
UPDATE jobs SET unique_key = unique_keys.key FROM unique_keys WHERE unique_keys.job_id = jobs.id;

-- migrate:down
ALTER TABLE jobs DROP COLUMN unique_key;
