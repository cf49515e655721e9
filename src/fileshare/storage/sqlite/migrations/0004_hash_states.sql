-- The state of the digest over an upload's bytes, at its offset or before: a restart goes on from there
-- instead of hashing 90 GB again.
ALTER TABLE uploads ADD COLUMN hash_state BLOB;
