-- migrate:up
CREATE TABLE api_keys (
  id           uuid PRIMARY KEY,
  project_id   uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  created_by   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  name         text NOT NULL,
  secret_hash  bytea NOT NULL,
  hint         text NOT NULL,
  scopes       text[] NOT NULL CHECK (cardinality(scopes) > 0),
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz,
  last_used_at timestamptz
);
CREATE UNIQUE INDEX api_keys_secret_hash_key ON api_keys (secret_hash);
CREATE INDEX api_keys_project_idx ON api_keys (project_id, id DESC);
CREATE INDEX api_keys_created_by_idx ON api_keys (created_by);
COMMENT ON TABLE api_keys IS 'What programs sign in with, each for one project. A revoked one has no row.';
COMMENT ON COLUMN api_keys.created_by IS 'Whose role in the project bounds what the key may do.';
COMMENT ON COLUMN api_keys.secret_hash IS 'SHA-256 of the secret, which has 256 random bits. The secret itself is not stored.';
COMMENT ON COLUMN api_keys.hint IS 'How the secret begins, for people to tell keys apart.';
COMMENT ON COLUMN api_keys.last_used_at IS 'To the minute.';

-- migrate:down
DROP TABLE api_keys;
