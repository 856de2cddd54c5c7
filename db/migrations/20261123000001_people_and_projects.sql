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
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
COMMENT ON TABLE sessions IS 'Families of refresh tokens: one row for each sign-in.';
COMMENT ON COLUMN sessions.revoked_at IS 'No token of the family is good from then on, a successor that is being made at that moment included.';

CREATE TABLE session_tokens (
  token_hash bytea PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  spent_at   timestamptz
);
CREATE INDEX session_tokens_session_id_idx ON session_tokens (session_id);
CREATE INDEX session_tokens_expires_at_idx ON session_tokens (expires_at);
COMMENT ON TABLE session_tokens IS 'Refresh tokens.';
COMMENT ON COLUMN session_tokens.token_hash IS 'SHA-256 of the token. The token itself is not stored.';
COMMENT ON COLUMN session_tokens.spent_at IS 'When it was exchanged for its successor. A spent token that comes again revokes its session.';

CREATE TABLE rate_limits (
  key        text PRIMARY KEY,
  tokens     double precision NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX rate_limits_updated_at_idx ON rate_limits (updated_at);
COMMENT ON TABLE rate_limits IS 'Token buckets, one row per limited thing (an address, an account).';
COMMENT ON COLUMN rate_limits.tokens IS 'What was left at updated_at, when a request was last let through.';

CREATE TABLE projects (
  id          uuid PRIMARY KEY,
  name        text NOT NULL,
  personal_of uuid REFERENCES users ON DELETE SET NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  deleted_at  timestamptz
);
CREATE UNIQUE INDEX projects_personal_of_key ON projects (personal_of) WHERE personal_of IS NOT NULL;
COMMENT ON COLUMN projects.personal_of IS 'The person it was made for at registration: where their jobs go that name no project.';
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
DROP TABLE session_tokens;
DROP TABLE sessions;
DROP TABLE users;
