-- Fresh links to a reader's own pages. See 0001 for how to read this file.

-- When a reader last asked for one, so that nobody can make us write to them again and again.
CREATE TABLE fresh_links (
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  subscriber_id BYTEA NOT NULL REFERENCES subscribers (id),
  asked_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, subscriber_id)
) /*lite: WITHOUT ROWID */;
-- For erasing a reader, which looks for what refers to them.
CREATE INDEX fresh_links_of_subscriber ON fresh_links (subscriber_id);
