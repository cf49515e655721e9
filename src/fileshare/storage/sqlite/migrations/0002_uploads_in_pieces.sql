-- Uploads whose parts are joined with others' into one file, and what a door keeps with an upload:
-- tus must give back, word for word, what a client told at the beginning.
ALTER TABLE uploads ADD COLUMN partial INTEGER NOT NULL DEFAULT 0 CHECK (partial IN (0, 1));
ALTER TABLE uploads ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN note TEXT NOT NULL DEFAULT '';
