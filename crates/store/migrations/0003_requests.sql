-- When the first request of a batch may have left: providers that recognise a repetition do so for a limited time.
ALTER TABLE batches ADD COLUMN first_at BIGINT;

-- Requests to providers that give each an id, for looking them up there. `number` is the first letter a request carried.
CREATE TABLE calls (
  tenant_id BYTEA NOT NULL,
  batch_id BYTEA NOT NULL,
  number BIGINT NOT NULL,
  at BIGINT NOT NULL,
  name TEXT NOT NULL,
  status BIGINT NOT NULL,
  reference TEXT NOT NULL
);
CREATE INDEX calls_of_batch ON calls (tenant_id, batch_id, number);
