-- So that a stop reaches everything it means. See 0001 for how to read this file.

-- Who goes on as whom: a reader who moved to another town, or whose address another registration took over. A stop by an
-- old message of the first one stops the later one too. The row goes with the later one, or when the first one erases
-- themselves.
CREATE TABLE successors (
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  subscriber_id BYTEA NOT NULL,
  to_tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  to_subscriber_id BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, subscriber_id, to_tenant_id, to_subscriber_id)
) /*lite: WITHOUT ROWID */;
CREATE INDEX successors_to ON successors (to_tenant_id, to_subscriber_id);

-- On whose wish a single mail was written, where that is a reader: their stop takes it back, wherever it goes.
ALTER TABLE transactional_mails ADD COLUMN subscriber_id BYTEA;
CREATE INDEX transactional_mails_of_subscriber ON transactional_mails (tenant_id, subscriber_id)
  WHERE subscriber_id IS NOT NULL;

-- Subscriptions that were stopped and that the file outside the database does not name yet.
CREATE TABLE stops (
  subscription_id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  at BIGINT NOT NULL
) /*lite: WITHOUT ROWID */;
