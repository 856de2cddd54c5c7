-- migrate:up
CREATE TABLE schedules (
  id              uuid PRIMARY KEY,
  project_id      uuid NOT NULL REFERENCES projects,
  created_by      uuid,
  name            text NOT NULL,
  cron            text NOT NULL,
  time_zone       text NOT NULL,
  kind            text NOT NULL,
  input           jsonb NOT NULL,
  priority        smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN -10 AND 10),
  tags            text[] NOT NULL DEFAULT '{}',
  max_attempts    smallint CHECK (max_attempts > 0),
  timeout_seconds integer CHECK (timeout_seconds > 0),
  catch_up        text NOT NULL DEFAULT 'one' CHECK (catch_up IN ('skip', 'one', 'all')),
  paused_at       timestamptz,
  next_at         timestamptz,
  last_at         timestamptz,
  error           jsonb,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX schedules_due_idx ON schedules (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX schedules_project_idx ON schedules (project_id, id DESC);
COMMENT ON TABLE schedules IS 'Jobs that are submitted at times that a cron expression names.';
COMMENT ON COLUMN schedules.input IS 'As it was given: it is held against the kind anew at each tick.';
COMMENT ON COLUMN schedules.max_attempts IS 'NULL: what the kind says. So with timeout_seconds.';
COMMENT ON COLUMN schedules.catch_up IS 'What becomes of ticks that nobody was there for: none of them, one job for all, or a job each.';
COMMENT ON COLUMN schedules.next_at IS 'The next tick. NULL while paused, and when none will ever come.';
COMMENT ON COLUMN schedules.last_at IS 'The latest tick that made a job.';
COMMENT ON COLUMN schedules.error IS 'Why the latest tick made no job: the kind is gone, or takes another input by now.';

CREATE TABLE schedule_ticks (
  schedule_id uuid NOT NULL REFERENCES schedules ON DELETE CASCADE,
  tick        timestamptz NOT NULL,
  job_id      uuid NOT NULL,
  PRIMARY KEY (schedule_id, tick)
);
CREATE INDEX schedule_ticks_tick_idx ON schedule_ticks (tick);
COMMENT ON TABLE schedule_ticks IS 'Which job a tick became: one at most, however often the tick is looked at.';

CREATE TABLE orphaned_objects (
  object_key  text PRIMARY KEY,
  orphaned_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE orphaned_objects IS 'Objects in S3 that lost their row and are still to be deleted. Written in the transaction that removes the row.';

-- What is redriven, oldest first; only failed jobs pay for it.
CREATE INDEX jobs_failed_idx ON jobs (queue, finished_at) WHERE state = 'failed';
CREATE INDEX jobs_blocked_idx ON jobs (project_id) WHERE state = 'blocked';
CREATE INDEX unique_keys_until_idx ON unique_keys (until);

-- migrate:down
DROP INDEX unique_keys_until_idx;
DROP INDEX jobs_blocked_idx;
DROP INDEX jobs_failed_idx;
DROP TABLE orphaned_objects;
DROP TABLE schedule_ticks;
DROP TABLE schedules;
