-- migrate:up

-- The hot tables (jobs, stints, events, job_logs) have no foreign keys: a check per row locks the project's row in
-- every submission, and concurrent ones then queue on its multixact. Jobs are removed in one place, with all that
-- belongs to them.

CREATE TABLE queues (
  name      text PRIMARY KEY,
  paused_at timestamptz
);
INSERT INTO queues (name) VALUES ('default'), ('compute'), ('bulk');
COMMENT ON TABLE queues IS 'Classes of latency and size, one SQS queue each.';

CREATE TABLE jobs (
  id                  uuid PRIMARY KEY,
  project_id          uuid NOT NULL,
  created_by          uuid,
  queued_at           timestamptz NOT NULL DEFAULT now(),
  start_at            timestamptz NOT NULL DEFAULT now(),
  started_at          timestamptz,
  stint_started_at    timestamptz,
  finished_at         timestamptz,
  lease_until         timestamptz,
  cancel_requested_at timestamptz,
  run_ms              bigint NOT NULL DEFAULT 0,
  stint               integer NOT NULL DEFAULT 0,
  event_seq           integer NOT NULL DEFAULT 1,
  timeout_seconds     integer NOT NULL CHECK (timeout_seconds > 0),
  progress            real NOT NULL DEFAULT 0,
  priority            smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN -10 AND 10),
  attempt             smallint NOT NULL DEFAULT 1,
  max_attempts        smallint NOT NULL CHECK (max_attempts > 0),
  crashes             smallint NOT NULL DEFAULT 0,
  checkpoint_version  smallint,
  state               text NOT NULL CHECK (state IN ('blocked', 'queued', 'running', 'succeeded', 'failed', 'cancelled')),
  kind                text NOT NULL,
  queue               text NOT NULL,
  worker              text,
  name                text,
  tags                text[] NOT NULL DEFAULT '{}',
  input               jsonb NOT NULL,
  partial             jsonb,
  checkpoint          jsonb,
  result              jsonb,
  error               jsonb
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX jobs_startable_idx ON jobs (queue, project_id, priority, start_at, id) WHERE state = 'queued';
CREATE INDEX jobs_suspect_idx ON jobs (queue, start_at) WHERE state = 'queued' AND crashes >= 2;
CREATE INDEX jobs_lease_idx ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_project_idx ON jobs (project_id, id DESC);
COMMENT ON TABLE jobs IS 'One row, one piece of work. The row is the truth; messages about it are not.';
COMMENT ON COLUMN jobs.start_at IS 'Due from then on: now, a delay, a retry''s backoff.';
COMMENT ON COLUMN jobs.started_at IS 'When its first stint began.';
COMMENT ON COLUMN jobs.stint_started_at IS 'When its latest stint began.';
COMMENT ON COLUMN jobs.lease_until IS 'Until then only the stint that holds it may run the job; heartbeats move it.';
COMMENT ON COLUMN jobs.stint IS 'The fence: with state = running, every write of a worker must match it. Never goes back.';
COMMENT ON COLUMN jobs.event_seq IS 'The number of its latest event. Never goes back.';
COMMENT ON COLUMN jobs.run_ms IS 'Running time in milliseconds, summed over the stints that ended.';
COMMENT ON COLUMN jobs.attempt IS 'The try it is at, from 1. A stint that ends at a safe point spends none.';
COMMENT ON COLUMN jobs.crashes IS 'Lost leases in a row without a newly saved checkpoint.';
COMMENT ON COLUMN jobs.worker IS 'The process that runs it.';

CREATE TABLE stints (
  job_id     uuid NOT NULL,
  stint      integer NOT NULL,
  attempt    smallint NOT NULL,
  worker     text,
  started_at timestamptz NOT NULL,
  ended_at   timestamptz NOT NULL DEFAULT now(),
  run_ms     bigint NOT NULL,
  outcome    text NOT NULL CHECK (outcome IN ('succeeded', 'retried', 'postponed', 'continued', 'crashed', 'failed', 'cancelled')),
  error      jsonb,
  PRIMARY KEY (job_id, stint)
);
COMMENT ON TABLE stints IS 'Executions that ended. The one that runs is in its job''s row.';

CREATE TABLE job_logs (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id     uuid NOT NULL,
  stint      integer NOT NULL,
  level      text NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
  message    text NOT NULL,
  data       jsonb,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX job_logs_job_idx ON job_logs (job_id, id);

CREATE TABLE events (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id       uuid NOT NULL,
  project_id   uuid NOT NULL,
  seq          integer NOT NULL,
  type         text NOT NULL,
  data         jsonb NOT NULL DEFAULT '{}',
  created_at   timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE UNIQUE INDEX events_job_seq_key ON events (job_id, seq);
CREATE INDEX events_unpublished_idx ON events (id) WHERE published_at IS NULL;
COMMENT ON TABLE events IS 'The timeline that a person sees, and the outbox that Kafka gets.';
COMMENT ON COLUMN events.seq IS 'Per job, from 1, without gaps.';

CREATE TABLE runners (
  name        text PRIMARY KEY,
  holder      text NOT NULL,
  lease_until timestamptz NOT NULL
);
COMMENT ON TABLE runners IS 'Leases of what must run only once at a time: the sweep, the relay.';

-- migrate:down
DROP TABLE runners;
DROP TABLE events;
DROP TABLE job_logs;
DROP TABLE stints;
DROP TABLE jobs;
DROP TABLE queues;
