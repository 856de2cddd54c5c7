-- migrate:up
ALTER TABLE users ADD COLUMN email_confirmed_at timestamptz;
COMMENT ON COLUMN users.email_confirmed_at IS 'When somebody came back with the token that was sent to the email. NULL again when the email changes.';

CREATE TABLE account_tokens (
  job_id     uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  purpose    text NOT NULL CHECK (purpose IN ('confirm-email', 'reset-password')),
  email      text NOT NULL,
  token_hash bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  spent_at   timestamptz
);
CREATE UNIQUE INDEX account_tokens_hash_key ON account_tokens (token_hash);
CREATE INDEX account_tokens_user_id_idx ON account_tokens (user_id);
CREATE INDEX account_tokens_expires_at_idx ON account_tokens (expires_at);
COMMENT ON TABLE account_tokens IS 'Tokens that were sent by mail. Each is good once.';
COMMENT ON COLUMN account_tokens.job_id IS 'The job that sent the mail. It derives the token, so that a mail that is sent again has the same.';
COMMENT ON COLUMN account_tokens.email IS 'Where it was sent. It proves nothing about an email that the person has by now instead.';
COMMENT ON COLUMN account_tokens.token_hash IS 'SHA-256 of the token. The token itself is stored nowhere.';

-- migrate:down
DROP TABLE account_tokens;
ALTER TABLE users DROP COLUMN email_confirmed_at;
