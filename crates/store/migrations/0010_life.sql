-- What a tenant says on its page of support (つらいことがあったとき); without a row the page has words of its own.
-- See 0001 for how to read this file.

CREATE TABLE support_pages (
  tenant_id BYTEA NOT NULL PRIMARY KEY REFERENCES tenants (id),
  body TEXT NOT NULL
) /*lite: WITHOUT ROWID */;
