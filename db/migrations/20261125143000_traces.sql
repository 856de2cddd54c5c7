-- migrate:up
ALTER TABLE jobs ADD COLUMN traceparent text;
COMMENT ON COLUMN jobs.traceparent IS 'W3C trace context of what submitted the job; null when nobody traced it';

-- migrate:down
ALTER TABLE jobs DROP COLUMN traceparent;
