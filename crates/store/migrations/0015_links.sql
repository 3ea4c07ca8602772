-- Links that a reader made worthless, or that a stop did. See 0001 for how to read this file.

-- Counts how often a reader's links were made anew: those of an earlier generation open nothing, except to stop.
ALTER TABLE subscribers ADD COLUMN link_generation BIGINT NOT NULL DEFAULT 0;

-- The form that made them anew last, by a keyed hash: the second of two presses still holds the earlier link.
ALTER TABLE subscribers ADD COLUMN links_renewed_by BYTEA;
