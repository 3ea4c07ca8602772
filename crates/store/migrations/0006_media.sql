-- Pictures of articles, under the digest of their bytes: written once, never changed, never deleted, so that an old
-- message still shows what it showed. See 0001 for how to read this file.

CREATE TABLE media (
  digest TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  bytes BYTEA NOT NULL
);
