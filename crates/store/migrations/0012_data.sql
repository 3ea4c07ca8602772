-- How long readers are kept, and what is left to do about those who were erased. See 0001 for how to read this file.

-- When what is left of a reader is erased. Empty while they follow anything; 0 from then on until the worker has
-- worked out the instant.
ALTER TABLE subscribers ADD COLUMN erase_after_at BIGINT;
UPDATE subscribers SET erase_after_at = 0 WHERE NOT EXISTS (
  SELECT 1 FROM subscriptions s WHERE s.subscriber_id = subscribers.id AND s.state <> 'ended');
CREATE INDEX subscribers_by_erasure ON subscribers (tenant_id, erase_after_at) WHERE erase_after_at IS NOT NULL;

-- Readers who were erased and whom the file outside the database does not name yet: nothing but a random number.
CREATE TABLE erasures (
  subscriber_id BYTEA NOT NULL PRIMARY KEY,
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  at BIGINT NOT NULL
) /*lite: WITHOUT ROWID */;

-- Whose rows of the ledger are to go: some may still be in a batch that is open, or in a plan that is being made.
CREATE TABLE ledger_remains (
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  subscription_id BYTEA NOT NULL,
  since_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, subscription_id)
) /*lite: WITHOUT ROWID */;

-- Addresses of readers who stopped and were erased, by blind index only: no list may bring them back.
CREATE TABLE former_addresses (
  tenant_id BYTEA NOT NULL REFERENCES tenants (id),
  channel TEXT NOT NULL,
  address_index BYTEA NOT NULL,
  since_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, channel, address_index)
) /*lite: WITHOUT ROWID */;

-- Whose children a frozen message names; messages that name nobody are not in it.
CREATE TABLE named_cohorts (
  tenant_id BYTEA NOT NULL,
  subscriber_id BYTEA NOT NULL,
  cohort_id BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, subscriber_id, cohort_id)
) /*lite: WITHOUT ROWID */;
CREATE INDEX named_cohorts_by_cohort ON named_cohorts (tenant_id, cohort_id);
INSERT INTO named_cohorts (tenant_id, subscriber_id, cohort_id)
  SELECT tenant_id, subscriber_id, cohort_id FROM deliveries
  GROUP BY tenant_id, subscriber_id, cohort_id HAVING COUNT(DISTINCT subscription_id) > 1;

-- Whom a ticket is for, so that theirs can be found.
ALTER TABLE tickets ADD COLUMN subject_index BYTEA;
CREATE INDEX tickets_of_subject ON tickets (tenant_id, subject_index) WHERE subject_index IS NOT NULL;
