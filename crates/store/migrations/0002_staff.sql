-- Staff, their sessions and invitations, and the chain that holds the audit together.

-- Mail, name, password and one-time secrets are sealed; the mail is found by a blind index. Without a password
-- nobody signs in: the row then only gives the audit a name.
CREATE TABLE staff (
  id BYTEA NOT NULL PRIMARY KEY,
  mail BYTEA NOT NULL,
  mail_index BYTEA NOT NULL UNIQUE,
  name BYTEA NOT NULL,
  operator BIGINT NOT NULL,
  password BYTEA,
  totp BYTEA,
  totp_step BIGINT NOT NULL,
  totp_new BYTEA,
  codes_shown BYTEA,
  since_at BIGINT NOT NULL
);

CREATE TABLE memberships (
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  staff_id BYTEA NOT NULL REFERENCES staff (id),
  role TEXT NOT NULL,
  since_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, staff_id)
);
CREATE INDEX memberships_of_staff ON memberships (staff_id);

-- Ten at a time, each as a keyed hash; a used one is gone.
CREATE TABLE recovery_codes (
  staff_id BYTEA NOT NULL REFERENCES staff (id),
  code BYTEA NOT NULL,
  PRIMARY KEY (staff_id, code)
);

-- With a tenant and a role: a place there. With the role operator: the installation. Without a role: new credentials.
CREATE TABLE invitations (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA REFERENCES tenants (id),
  role TEXT,
  mail BYTEA NOT NULL,
  mail_index BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  draft BYTEA
);
CREATE INDEX invitations_of_tenant ON invitations (tenant_id, expires_at);
CREATE INDEX invitations_to_mail ON invitations (mail_index);
CREATE INDEX invitations_by_end ON invitations (expires_at);

CREATE TABLE sessions (
  token BYTEA NOT NULL PRIMARY KEY,
  staff_id BYTEA NOT NULL REFERENCES staff (id),
  begun_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL
);
CREATE INDEX sessions_of_staff ON sessions (staff_id);
CREATE INDEX sessions_by_begin ON sessions (begun_at);

-- Wrong sign-ins by account, client address or known browser, each as a keyed hash.
CREATE TABLE sign_in_failures (
  bucket BYTEA NOT NULL PRIMARY KEY,
  failures BIGINT NOT NULL,
  last_at BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_by_time ON sign_in_failures (last_at);

-- The chain is the tenant's id, or sixteen zero bytes for the installation. Entries from before have none.
ALTER TABLE audit ADD COLUMN chain BYTEA;
ALTER TABLE audit ADD COLUMN seq BIGINT;
ALTER TABLE audit ADD COLUMN hash BYTEA;
-- Not unique: a damaged chain is found by `kizuna audit verify` and must never keep a reader from stopping.
CREATE INDEX audit_of_chain ON audit (chain, seq, id);

CREATE TABLE audit_heads (
  chain BYTEA NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  origin BYTEA NOT NULL,
  broken_seq BIGINT NOT NULL,
  seal BYTEA NOT NULL
);
