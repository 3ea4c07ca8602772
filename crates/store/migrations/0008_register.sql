-- The public way in: places whose links lead to it, and how often something was asked for. See 0001 for how to read this file.

-- A place counts the registrations that came through its link; no reader's row says through which.
CREATE TABLE places (
  code TEXT NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  name TEXT NOT NULL,
  registrations BIGINT NOT NULL,
  added_at BIGINT NOT NULL
);
CREATE INDEX places_of_tenant ON places (tenant_id, added_at, code);

-- The bucket is a keyed hash of who asks for what: no address stands here.
CREATE TABLE throttles (
  bucket BYTEA NOT NULL PRIMARY KEY,
  uses BIGINT NOT NULL,
  until_at BIGINT NOT NULL
) /*lite: WITHOUT ROWID */;
CREATE INDEX throttles_by_end ON throttles (until_at);
