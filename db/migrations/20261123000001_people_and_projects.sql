-- migrate:up
CREATE TABLE users (
  id            uuid PRIMARY KEY,
  email         text NOT NULL,
  name          text NOT NULL,
  password_hash text NOT NULL,
  is_admin      boolean NOT NULL DEFAULT false,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
COMMENT ON TABLE users IS 'People who sign in.';
COMMENT ON COLUMN users.password_hash IS 'argon2id, in PHC format.';

CREATE TABLE sessions (
  token_hash bytea PRIMARY KEY,
  family_id  uuid NOT NULL,
  user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  spent_at   timestamptz,
  revoked_at timestamptz
);
CREATE INDEX sessions_family_id_idx ON sessions (family_id);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
COMMENT ON TABLE sessions IS 'Refresh tokens, one row each; those that came from one login are one family.';
COMMENT ON COLUMN sessions.token_hash IS 'SHA-256 of the token. The token itself is not stored.';
COMMENT ON COLUMN sessions.spent_at IS 'When it was exchanged for its successor. A spent token that comes again revokes its family.';

CREATE TABLE rate_limits (
  key        text PRIMARY KEY,
  tokens     real NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX rate_limits_updated_at_idx ON rate_limits (updated_at);
COMMENT ON TABLE rate_limits IS 'Token buckets, one row per limited thing (an address, an account).';

CREATE TABLE projects (
  id          uuid PRIMARY KEY,
  name        text NOT NULL,
  is_personal boolean NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  deleted_at  timestamptz
);
COMMENT ON COLUMN projects.deleted_at IS 'A deleted project is hidden at once; its rows go with retention.';

CREATE TABLE memberships (
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  role       text NOT NULL CHECK (role IN ('owner', 'maintainer', 'viewer')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, user_id)
);
CREATE INDEX memberships_user_id_idx ON memberships (user_id);

-- migrate:down
DROP TABLE memberships;
DROP TABLE projects;
DROP TABLE rate_limits;
DROP TABLE sessions;
DROP TABLE users;
