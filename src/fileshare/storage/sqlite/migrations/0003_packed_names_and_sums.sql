-- Names as searches compare them, some thousands in one value (`storage/sqlite/packs.py`): to look through a
-- million of them is to read some forty megabytes in a row. A pack holds entries of one kind whose ids lie
-- from `first` on. `folders` is a JSON list of the folders that they lie in, NULL where those are many.
CREATE TABLE packs (
    kind INTEGER NOT NULL,
    first INTEGER NOT NULL,
    folders TEXT,
    names BLOB NOT NULL,
    UNIQUE (kind, first)
) STRICT;

-- One row. Every entry with an id up to `upto` has been packed; those above are still few, and read one by one.
CREATE TABLE packing (upto INTEGER NOT NULL) STRICT;
INSERT INTO packing (upto) VALUES (0);

-- Entries that have been packed, and were moved, renamed or deleted since: what their pack tells of them is old.
CREATE TABLE unpacked (entry_id INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER entries_renamed AFTER UPDATE OF parent_id, name ON entries
WHEN (new.name IS NOT old.name OR new.parent_id IS NOT old.parent_id) AND old.id <= (SELECT upto FROM packing)
BEGIN
    INSERT OR IGNORE INTO unpacked (entry_id) VALUES (old.id);
END;
CREATE TRIGGER entries_deleted AFTER DELETE ON entries WHEN old.id <= (SELECT upto FROM packing)
BEGIN
    INSERT OR IGNORE INTO unpacked (entry_id) VALUES (old.id);
END;

-- Sums, so that what is used is told without counting it. Of all files, those in the trash too;
CREATE TABLE sums (files INTEGER NOT NULL, current INTEGER NOT NULL) STRICT;
INSERT INTO sums (files, current) SELECT count(*), coalesce(sum(size), 0) FROM entries WHERE kind = 1;
-- of what is in the trash, beside `size`;
ALTER TABLE trash ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trash ADD COLUMN current INTEGER NOT NULL DEFAULT 0;
UPDATE trash SET (files, current) = (
    WITH RECURSIVE tree (id) AS (
        SELECT trash.entry_id UNION ALL
        SELECT child.id FROM tree JOIN entries AS child ON child.parent_id = tree.id
    )
    SELECT count(*), coalesce(sum(e.size), 0) FROM tree JOIN entries AS e ON e.id = tree.id AND e.kind = 1
);
-- and of all versions, by the account that made them.
CREATE TABLE made (account_id INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
INSERT INTO made (account_id, bytes) SELECT account_id, sum(size) FROM versions GROUP BY account_id;
CREATE TRIGGER versions_made AFTER INSERT ON versions
BEGIN
    INSERT INTO made (account_id, bytes) VALUES (new.account_id, new.size)
    ON CONFLICT (account_id) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER versions_gone AFTER DELETE ON versions
BEGIN
    UPDATE made SET bytes = bytes - old.size WHERE account_id = old.account_id;
END;
