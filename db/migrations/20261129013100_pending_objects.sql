-- migrate:up
SET LOCAL lock_timeout = '3s';

-- Between an object and its row a process can be killed: then nothing else knows of the object.
CREATE TABLE pending_objects (
  object_key text PRIMARY KEY,
  noted_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE pending_objects IS 'Objects that are on their way to S3. Noted before they are put, and forgotten by the statement that inserts their row.';

-- migrate:down
SET LOCAL lock_timeout = '3s';
DROP TABLE pending_objects;
