-- migrate:up
ALTER TABLE jobs
  ADD COLUMN waits_for         integer NOT NULL DEFAULT 0,
  ADD COLUMN has_parents       boolean NOT NULL DEFAULT false,
  ADD COLUMN has_children      boolean NOT NULL DEFAULT false,
  ADD COLUMN on_parent_failure text NOT NULL DEFAULT 'fail' CHECK (on_parent_failure IN ('fail', 'run', 'skip'));
COMMENT ON COLUMN jobs.waits_for IS 'How many of its parents have not ended. Lowered in the transaction that ends them.';
COMMENT ON COLUMN jobs.has_children IS 'Whether a job was submitted to run after it: its end then settles their edges.';

CREATE TABLE job_dependencies (
  child_id   uuid NOT NULL,
  parent_id  uuid NOT NULL,
  settled_at timestamptz,
  PRIMARY KEY (child_id, parent_id)
);
CREATE INDEX job_dependencies_parent_idx ON job_dependencies (parent_id);
COMMENT ON TABLE job_dependencies IS 'Which job runs after which. A chain, a group and a chord are all this.';
COMMENT ON COLUMN job_dependencies.settled_at IS 'When the parent''s end was counted at the child.';

CREATE TABLE idempotency_keys (
  project_id uuid NOT NULL,
  key        text NOT NULL,
  body_hash  text NOT NULL,
  job_ids    jsonb NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, key)
);
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);
COMMENT ON COLUMN idempotency_keys.body_hash IS 'SHA-256 over route and canonical body: the same key with another one is a mistake.';

CREATE TABLE unique_keys (
  project_id uuid NOT NULL,
  key        text NOT NULL,
  job_id     uuid NOT NULL,
  until      timestamptz NOT NULL,
  PRIMARY KEY (project_id, key)
);
COMMENT ON TABLE unique_keys IS 'At most one live job per key: the job that has it now, and until when it keeps it even if it ended.';

-- migrate:down
DROP TABLE unique_keys;
DROP TABLE idempotency_keys;
DROP TABLE job_dependencies;
ALTER TABLE jobs DROP COLUMN on_parent_failure, DROP COLUMN has_children, DROP COLUMN has_parents, DROP COLUMN waits_for;
