-- Rich menus of LINE: what staff are making, what they asked to show, what LINE has. See 0001 for how to read this file.

CREATE TABLE menus (
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  stage TEXT NOT NULL,
  draft TEXT NOT NULL,
  wanted TEXT,
  menu_id TEXT,
  digest TEXT,
  published_at BIGINT,
  PRIMARY KEY (tenant_id, stage)
);

-- done_at is empty while something of the last request is left to do. linked_version is the tenant's version when the
-- last reader was given their menu: where it is the present one, nobody's stage has changed since.
CREATE TABLE menu_publications (
  tenant_id BYTEA NOT NULL PRIMARY KEY REFERENCES tenants (id),
  asked_at BIGINT NOT NULL,
  tried_at BIGINT,
  done_at BIGINT,
  problem TEXT,
  linked_version BIGINT,
  lease_token BIGINT NOT NULL,
  lease_until_at BIGINT NOT NULL
);

-- Which of LINE's menus each LINE address was given.
CREATE TABLE menu_links (
  tenant_id BYTEA NOT NULL,
  point_id BYTEA NOT NULL,
  menu_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, point_id)
) /*lite: WITHOUT ROWID */;
