-- migrate:up
ALTER TABLE jobs ADD COLUMN cancel_acknowledged_at timestamptz;
COMMENT ON COLUMN jobs.cancel_acknowledged_at IS 'When the worker that runs it heard of the cancel.';

CREATE TABLE queue_pace (
  queue text NOT NULL,
  at    timestamptz NOT NULL DEFAULT now(),
  jobs  integer NOT NULL
);
CREATE INDEX queue_pace_idx ON queue_pace (queue, at);
COMMENT ON TABLE queue_pace IS 'How many jobs each claim started, for some minutes: what a waiting job''s expected start is reckoned from.';

-- migrate:down
DROP TABLE queue_pace;
ALTER TABLE jobs DROP COLUMN cancel_acknowledged_at;
