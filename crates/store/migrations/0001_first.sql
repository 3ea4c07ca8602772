-- One schema for SQLite and PostgreSQL. Instants are milliseconds since 1970 (*_at), civil days are
-- YYYY-MM-DD (*_on), identifiers are sixteen bytes. A comment that begins with "lite:" is SQL for SQLite only:
-- clustered tables save it one of two index walks; PostgreSQL has no such choice.

CREATE TABLE installation (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  node TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  high_water BIGINT NOT NULL,
  fenced_through_on TEXT
);

CREATE TABLE tenants (
  id BYTEA NOT NULL PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  settings TEXT NOT NULL,
  version BIGINT NOT NULL
);

CREATE TABLE accounts (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  channel TEXT NOT NULL,
  settings TEXT NOT NULL,
  secrets BYTEA NOT NULL,
  paused_reason TEXT,
  paused_at BIGINT,
  UNIQUE (tenant_id, channel)
);

CREATE TABLE tracks (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA REFERENCES tenants (id),
  code TEXT NOT NULL,
  title TEXT NOT NULL,
  language TEXT NOT NULL,
  sender_label TEXT NOT NULL,
  approvals_required BIGINT NOT NULL
);
CREATE UNIQUE INDEX tracks_of_desk ON tracks (code) WHERE tenant_id IS NULL;
CREATE UNIQUE INDEX tracks_of_tenant ON tracks (tenant_id, code) WHERE tenant_id IS NOT NULL;

CREATE TABLE articles (
  id BYTEA NOT NULL PRIMARY KEY,
  track_id BYTEA NOT NULL REFERENCES tracks (id),
  code TEXT NOT NULL,
  placement TEXT NOT NULL,
  revision_id BYTEA NOT NULL,
  UNIQUE (track_id, code)
);

CREATE TABLE revisions (
  id BYTEA NOT NULL PRIMARY KEY,
  article_id BYTEA NOT NULL REFERENCES articles (id),
  number BIGINT NOT NULL,
  digest BYTEA NOT NULL,
  document TEXT NOT NULL,
  UNIQUE (article_id, number),
  UNIQUE (article_id, digest)
);

CREATE TABLE reviews (
  revision_id BYTEA NOT NULL REFERENCES revisions (id),
  number BIGINT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (revision_id, number)
);

CREATE TABLE editions (
  id BYTEA NOT NULL PRIMARY KEY,
  track_id BYTEA NOT NULL REFERENCES tracks (id),
  number BIGINT NOT NULL,
  document TEXT NOT NULL,
  published_at BIGINT NOT NULL,
  UNIQUE (track_id, number)
);

CREATE TABLE desks (
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  code TEXT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (tenant_id, code)
);

-- point_id, account_id, silent and several are derived by one function (people::refresh_reach) from
-- contact_points and subscriptions, so that planning reads one row per reader.
CREATE TABLE subscribers (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  reference TEXT,
  relation TEXT NOT NULL,
  language TEXT NOT NULL,
  area TEXT,
  registered_at BIGINT NOT NULL,
  several BIGINT NOT NULL,
  point_id BYTEA,
  account_id BYTEA,
  silent TEXT
) /*lite: WITHOUT ROWID */;
CREATE UNIQUE INDEX subscribers_by_reference ON subscribers (tenant_id, reference) WHERE reference IS NOT NULL;

CREATE TABLE contact_points (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  subscriber_id BYTEA NOT NULL REFERENCES subscribers (id),
  account_id BYTEA NOT NULL REFERENCES accounts (id),
  channel TEXT NOT NULL,
  address BYTEA NOT NULL,
  address_index BYTEA NOT NULL,
  state TEXT NOT NULL,
  preference BIGINT NOT NULL
) /*lite: WITHOUT ROWID */;
CREATE UNIQUE INDEX contact_points_by_address ON contact_points (tenant_id, channel, address_index);
CREATE INDEX contact_points_of_subscriber ON contact_points (subscriber_id);

CREATE TABLE suppressions (
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  channel TEXT NOT NULL,
  address_index BYTEA NOT NULL,
  reason TEXT NOT NULL,
  since_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, channel, address_index)
);

CREATE TABLE subscriptions (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  subscriber_id BYTEA NOT NULL REFERENCES subscribers (id),
  due_on TEXT,
  birth_on TEXT,
  preterm BIGINT NOT NULL,
  nickname BYTEA,
  registered_on TEXT NOT NULL,
  state TEXT NOT NULL,
  end_reason TEXT,
  version BIGINT NOT NULL,
  CHECK (due_on IS NOT NULL OR birth_on IS NOT NULL)
) /*lite: WITHOUT ROWID */;
CREATE INDEX subscriptions_by_due ON subscriptions (tenant_id, due_on, id) WHERE birth_on IS NULL AND state <> 'ended';
CREATE INDEX subscriptions_by_birth ON subscriptions (tenant_id, birth_on, id) WHERE birth_on IS NOT NULL AND state <> 'ended';
CREATE INDEX subscriptions_by_preterm_due ON subscriptions (tenant_id, due_on, id) WHERE preterm = 1 AND state <> 'ended';
CREATE INDEX subscriptions_by_registration ON subscriptions (tenant_id, registered_on, id) WHERE state <> 'ended';
CREATE INDEX subscriptions_of_subscriber ON subscriptions (subscriber_id);

CREATE TABLE consents (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  subscriber_id BYTEA NOT NULL REFERENCES subscribers (id),
  purpose TEXT NOT NULL,
  wording TEXT NOT NULL,
  method TEXT NOT NULL,
  given_at BIGINT NOT NULL,
  withdrawn_at BIGINT
);
CREATE INDEX consents_of_subscriber ON consents (subscriber_id);

CREATE TABLE runs (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  day_on TEXT NOT NULL,
  planned_version BIGINT,
  skipped TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  closed_at BIGINT,
  UNIQUE (tenant_id, day_on)
);

CREATE TABLE cohorts (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  draft BYTEA NOT NULL
);

-- The batch row carries the state of its letters: those before `finished` are settled (sent unless the
-- delivery says otherwise), those from `finished` to `reached` are in doubt after a crash, the rest untouched.
CREATE TABLE batches (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  run_id BYTEA NOT NULL REFERENCES runs (id),
  account_id BYTEA NOT NULL REFERENCES accounts (id),
  lane BIGINT NOT NULL,
  state TEXT NOT NULL,
  letters BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  not_before_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  lease_token BIGINT NOT NULL,
  lease_until_at BIGINT NOT NULL,
  reached BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  recalls BIGINT NOT NULL,
  sent BIGINT NOT NULL,
  skipped BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  in_doubt BIGINT NOT NULL,
  held_reason TEXT
);
CREATE INDEX batches_waiting ON batches (account_id, lane, not_before_at) WHERE state IN ('ready', 'claimed');
CREATE INDEX batches_held ON batches (tenant_id, expires_at) WHERE state = 'held';
CREATE INDEX batches_of_run ON batches (run_id);

CREATE TABLE deliveries (
  tenant_id BYTEA NOT NULL,
  subscription_id BYTEA NOT NULL,
  slot TEXT NOT NULL,
  subscriber_id BYTEA NOT NULL,
  point_id BYTEA NOT NULL,
  cohort_id BYTEA NOT NULL,
  batch_id BYTEA NOT NULL,
  number BIGINT NOT NULL,
  day_on TEXT NOT NULL,
  outcome TEXT,
  detail TEXT,
  PRIMARY KEY (tenant_id, subscription_id, slot)
) /*lite: WITHOUT ROWID */;
-- With the tenant first: planners that keep no statistics would otherwise take the primary key for it.
CREATE INDEX deliveries_of_batch ON deliveries (tenant_id, batch_id, number);

-- SQLite keeps no statistics unless asked and then takes a tenant's whole ledger for ten rows. These tell it how a
-- ledger looks: rows in all, then rows for each value of the first column, of the first two, of all. PostgreSQL counts itself.
/*lite: ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('deliveries', 'deliveries', '10000000 200000 20 1'),
  ('deliveries', 'deliveries_of_batch', '10000000 200000 500 1');
ANALYZE sqlite_schema; */

CREATE TABLE audit (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX audit_of_tenant ON audit (tenant_id, at);
