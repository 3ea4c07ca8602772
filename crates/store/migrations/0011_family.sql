-- How messages come, to whom they are passed on, and moving to another town. See 0001 for how to read this file.

-- The hour of the day from which a reader wants messages; empty for the tenant's own.
ALTER TABLE subscribers ADD COLUMN hour BIGINT;

-- Links by which a reader invites others. subscription_id and version say whose date is handed over, where it is: only
-- while nothing about that subscription has changed.
CREATE TABLE invites (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  subscriber_id BYTEA NOT NULL,
  subscription_id BYTEA,
  version BIGINT,
  uses_left BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) /*lite: WITHOUT ROWID */;
CREATE INDEX invites_of_subscriber ON invites (tenant_id, subscriber_id);
CREATE INDEX invites_by_end ON invites (expires_at);

-- One-time codes with which a reader of tenant_id goes over to to_tenant_id; arrived_id is who they are there.
CREATE TABLE moves (
  id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  subscriber_id BYTEA NOT NULL,
  to_tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  code BYTEA NOT NULL,
  code_index BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  arrived_id BYTEA
) /*lite: WITHOUT ROWID */;
CREATE UNIQUE INDEX moves_by_code ON moves (to_tenant_id, code_index);
CREATE UNIQUE INDEX moves_of_subscriber ON moves (tenant_id, subscriber_id);
CREATE INDEX moves_by_end ON moves (expires_at);

-- For taking an address away, which must not look through everybody's troubles.
CREATE INDEX point_troubles_of_point ON point_troubles (point_id);
