-- migrate:up
CREATE TABLE files (
  id           uuid PRIMARY KEY,
  project_id   uuid NOT NULL REFERENCES projects,
  created_by   uuid,
  job_id       uuid,
  stint        integer,
  object_key   text NOT NULL,
  name         text NOT NULL,
  content_type text NOT NULL,
  size_bytes   bigint,
  created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX files_object_key_key ON files (object_key);
CREATE INDEX files_project_idx ON files (project_id, id DESC);
CREATE INDEX files_job_idx ON files (job_id) WHERE job_id IS NOT NULL;
COMMENT ON TABLE files IS 'What stands in S3: uploads, and what jobs made.';
COMMENT ON COLUMN files.size_bytes IS 'NULL until a presigned upload has arrived.';
COMMENT ON COLUMN files.stint IS 'The stint that made it. Its number is in the object key too, so that a fenced stint overwrites nothing.';

CREATE TABLE device_models (
  id         uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects,
  code       text NOT NULL,
  name       text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX device_models_project_code_key ON device_models (project_id, code);

CREATE TABLE serial_numbers (
  device_model_id uuid NOT NULL REFERENCES device_models,
  number          bigint NOT NULL CHECK (number >= 0),
  job_id          uuid NOT NULL,
  serial          text NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (device_model_id, number)
);
COMMENT ON TABLE serial_numbers IS 'What serials.generate makes.';
COMMENT ON COLUMN serial_numbers.job_id IS 'The job that made it: a stint that resumes finds its own rows and skips them.';

-- migrate:down
DROP TABLE serial_numbers;
DROP TABLE device_models;
DROP TABLE files;
