-- migrate:up

-- No foreign keys: what is told stays true when the project, the person or the key is gone.
CREATE TABLE audit_log (
  id         uuid PRIMARY KEY,
  project_id uuid,
  user_id    uuid,
  api_key_id uuid,
  action     text NOT NULL,
  target     text NOT NULL,
  data       jsonb NOT NULL DEFAULT '{}',
  ip         text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_log_project_idx ON audit_log (project_id, id DESC);
COMMENT ON TABLE audit_log IS 'What people and their API keys did, written in the transaction that did it. Jobs that were submitted are in jobs.';
COMMENT ON COLUMN audit_log.project_id IS 'NULL: it concerned every project.';
COMMENT ON COLUMN audit_log.user_id IS 'NULL: done from the command line of a machine of the stage.';
COMMENT ON COLUMN audit_log.api_key_id IS 'The key of that person with which a program did it.';

-- migrate:down
DROP TABLE audit_log;
