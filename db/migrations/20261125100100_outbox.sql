-- migrate:up

-- What Kafka hasn't got is noted apart from the events, a whole statement's in one row. A mark in each event would be
-- another version of it, with another entry in each of its indexes.
CREATE TABLE outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  events     integer NOT NULL,
  job_ids    uuid[] NOT NULL,
  seqs       integer[] NOT NULL
);
-- Ids don't compress.
ALTER TABLE outbox ALTER job_ids SET STORAGE EXTERNAL, ALTER seqs SET STORAGE EXTERNAL;
COMMENT ON TABLE outbox IS 'Which events Kafka hasn''t got. Written with them, by a trigger; the relay deletes what it has published.';
COMMENT ON COLUMN outbox.id IS 'A job''s later event is always behind its earlier one.';
COMMENT ON COLUMN outbox.events IS 'How many they are: job_ids and seqs, pair by pair, name them.';

INSERT INTO outbox (created_at, events, job_ids, seqs)
SELECT min(created_at), count(*), array_agg(job_id ORDER BY id), array_agg(seq ORDER BY id)
FROM (SELECT *, row_number() OVER (ORDER BY id) / 1000 AS part FROM events WHERE published_at IS NULL) AS waiting
GROUP BY part ORDER BY part;

DROP INDEX events_unpublished_idx;
DROP INDEX events_job_seq_key;
ALTER TABLE events DROP CONSTRAINT events_pkey, DROP COLUMN published_at, ADD PRIMARY KEY (job_id, seq),
  RESET (fillfactor), RESET (autovacuum_vacuum_scale_factor);
-- Its rows lie in the order of their numbers: enough to find the newest.
CREATE INDEX events_id_idx ON events USING brin (id) WITH (pages_per_range = 32);
COMMENT ON TABLE events IS 'The timeline that a person sees, and what Kafka is told.';

CREATE FUNCTION note_in_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox (events, job_ids, seqs)
  SELECT count(*), array_agg(job_id), array_agg(seq) FROM written HAVING count(*) > 0;
  RETURN NULL;
END
$$;
CREATE TRIGGER events_outbox AFTER INSERT ON events
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION note_in_outbox();

-- migrate:down
DROP TRIGGER events_outbox ON events;
DROP FUNCTION note_in_outbox;
DROP INDEX events_id_idx;
ALTER TABLE events DROP CONSTRAINT events_pkey, ADD COLUMN published_at timestamptz, ADD PRIMARY KEY (id),
  SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE UNIQUE INDEX events_job_seq_key ON events (job_id, seq);
UPDATE events SET published_at = now()
WHERE (job_id, seq) NOT IN (SELECT job_id, seq FROM outbox, unnest(job_ids, seqs) AS noted (job_id, seq));
CREATE INDEX events_unpublished_idx ON events (id) WHERE published_at IS NULL;
COMMENT ON TABLE events IS 'The timeline that a person sees, and the outbox that Kafka gets.';
DROP TABLE outbox;
