-- Single mails that a family asked for, what was answered to mails that came in, and trouble at addresses. See 0001
-- for how to read this file.

-- A row lives until its mail was taken or is given up. Whoever takes an attempt moves not_before_at behind it.
CREATE TABLE transactional_mails (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  address BYTEA NOT NULL,
  address_index BYTEA NOT NULL,
  document BYTEA NOT NULL,
  asked_at BIGINT NOT NULL,
  not_before_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  attempt BIGINT NOT NULL
) /*lite: WITHOUT ROWID */;
CREATE INDEX transactional_mails_due ON transactional_mails (tenant_id, not_before_at);
CREATE INDEX transactional_mails_to ON transactional_mails (tenant_id, address_index);

-- When mails that came in were answered, so that nobody can make us write to somebody again and again.
CREATE TABLE mail_answers (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  address_index BYTEA NOT NULL,
  answered_at BIGINT NOT NULL
) /*lite: WITHOUT ROWID */;
CREATE INDEX mail_answers_to ON mail_answers (tenant_id, address_index, answered_at);
CREATE INDEX mail_answers_by_instant ON mail_answers (tenant_id, answered_at);
CREATE INDEX mail_answers_by_age ON mail_answers (answered_at);

-- What keeps messages from an address, once for each day and kind.
CREATE TABLE point_troubles (
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  point_id BYTEA NOT NULL REFERENCES contact_points (id),
  happened_on TEXT NOT NULL,
  kind TEXT NOT NULL,
  happened_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, point_id, happened_on, kind)
) /*lite: WITHOUT ROWID */;
CREATE INDEX point_troubles_by_instant ON point_troubles (happened_at);

CREATE INDEX suppressions_by_instant ON suppressions (tenant_id, since_at);
