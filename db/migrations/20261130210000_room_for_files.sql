-- migrate:up
SET LOCAL lock_timeout = '3s';

-- What the files of a project take together is added up whenever it gets another one, from the index alone.
ALTER TABLE files ADD COLUMN announced_bytes bigint;
COMMENT ON COLUMN files.announced_bytes IS 'What a presigned upload may have; it counts as that until it has arrived.';
CREATE INDEX files_room_idx ON files (project_id, id DESC) INCLUDE (size_bytes, announced_bytes);
DROP INDEX files_project_idx;

-- migrate:down
SET LOCAL lock_timeout = '3s';
CREATE INDEX files_project_idx ON files (project_id, id DESC);
ALTER TABLE files DROP COLUMN announced_bytes;
