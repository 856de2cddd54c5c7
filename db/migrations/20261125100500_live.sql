-- migrate:up
ALTER TABLE events ADD COLUMN xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE INDEX events_xid_idx ON events USING brin (xid) WITH (pages_per_range = 32);
COMMENT ON COLUMN events.xid IS 'The transaction that wrote it: ids are given in another order than transactions commit in, so what a reader has missed is told by this.';

CREATE TABLE live_tickets (
  token_hash bytea PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  session_id uuid REFERENCES sessions ON DELETE CASCADE,
  ends_at    timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX live_tickets_user_id_idx ON live_tickets (user_id);
CREATE INDEX live_tickets_session_id_idx ON live_tickets (session_id);
CREATE INDEX live_tickets_expires_at_idx ON live_tickets (expires_at);
COMMENT ON TABLE live_tickets IS 'Each opens one live connection, once and soon.';
COMMENT ON COLUMN live_tickets.token_hash IS 'SHA-256 of the ticket. The ticket itself is not stored.';
COMMENT ON COLUMN live_tickets.ends_at IS 'When a connection that it opens ends at the latest.';

CREATE TABLE live_connections (
  id           text PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  session_id   uuid REFERENCES sessions ON DELETE CASCADE,
  connected_at timestamptz NOT NULL DEFAULT now(),
  ends_at      timestamptz NOT NULL
);
CREATE INDEX live_connections_user_id_idx ON live_connections (user_id);
CREATE INDEX live_connections_session_id_idx ON live_connections (session_id);
CREATE INDEX live_connections_ends_at_idx ON live_connections (ends_at);
COMMENT ON TABLE live_connections IS 'Open WebSockets, by the id that API Gateway gave them.';
COMMENT ON COLUMN live_connections.session_id IS 'Null: opened by a token that names no session; it then ends with that token.';

-- migrate:down
DROP TABLE live_connections;
DROP TABLE live_tickets;
DROP INDEX events_xid_idx;
ALTER TABLE events DROP COLUMN xid;
