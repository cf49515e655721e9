-- Packs that grow: a range of 4,096 ids at first, and one of 65,536 once all of it is packed. What a pack holds stands
-- beside it, a value for each of its columns (`storage/sqlite/packs.py`, `orders.py`). Its id is never given twice, so
-- what was read of it may be kept in memory. All is packed anew, behind the doors.
DROP TABLE packs;
DROP TABLE pack_orders;
CREATE TABLE packs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    first INTEGER NOT NULL,
    folders TEXT,
    least_size INTEGER NOT NULL,
    greatest_size INTEGER NOT NULL,
    least_modified INTEGER NOT NULL,
    greatest_modified INTEGER NOT NULL,
    UNIQUE (kind, first)
) STRICT;
CREATE TABLE pack_columns (
    pack INTEGER NOT NULL,
    name TEXT NOT NULL CHECK (name IN ('names', 'starts', 'parents', 'size', 'modified')),
    kept BLOB NOT NULL,
    UNIQUE (pack, name)
) STRICT;
DELETE FROM unpacked;
DELETE FROM revalued;
ALTER TABLE packing ADD COLUMN large INTEGER NOT NULL DEFAULT 0; -- up to which id packs are large
UPDATE packing SET upto = 0;
