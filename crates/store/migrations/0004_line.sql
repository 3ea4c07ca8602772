-- What comes in from LINE, and tickets to pages that change something. See 0001 for how to read this file.

-- Lifting a block counts as joining anew for ここまでのまとめ; asked_at tells a stop that arrives late from one that is meant.
ALTER TABLE subscriptions ADD COLUMN resumed_on TEXT;
ALTER TABLE subscriptions ADD COLUMN asked_at BIGINT;
CREATE INDEX subscriptions_by_resumption ON subscriptions (tenant_id, resumed_on, id) WHERE resumed_on IS NOT NULL AND state <> 'ended';

-- Whether a LINE user is a friend of the tenant's account, as the newest event said; the user by blind index only.
CREATE TABLE line_users (
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  user_index BYTEA NOT NULL,
  friend BIGINT NOT NULL,
  since_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_index)
) /*lite: WITHOUT ROWID */;

-- The inbox. A row without a body is done; what is left of it recognises repeats.
CREATE TABLE line_events (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  event_id TEXT NOT NULL,
  message TEXT,
  arrived_at BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  body BYTEA
) /*lite: WITHOUT ROWID */;
CREATE UNIQUE INDEX line_events_once ON line_events (tenant_id, event_id);
CREATE INDEX line_events_waiting ON line_events (id) WHERE body IS NOT NULL;
CREATE INDEX line_events_of_message ON line_events (tenant_id, message) WHERE message IS NOT NULL AND body IS NOT NULL;
CREATE INDEX line_events_by_arrival ON line_events (arrived_at);

-- Bodies on their way to another tool on the same LINE account.
CREATE TABLE line_forwards (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  account_id BYTEA NOT NULL REFERENCES accounts (id),
  body BYTEA NOT NULL,
  attempt BIGINT NOT NULL,
  not_before_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) /*lite: WITHOUT ROWID */;
CREATE INDEX line_forwards_due ON line_forwards (account_id, not_before_at);

CREATE TABLE tickets (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  purpose TEXT NOT NULL,
  subject BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
) /*lite: WITHOUT ROWID */;
CREATE INDEX tickets_by_end ON tickets (expires_at);
