-- Beside each pack of names: its entries by size and by time (`storage/sqlite/orders.py`), so that a search that
-- is ordered so reads neither rows nor every name. `low` and `high` are the least and the greatest value.
CREATE TABLE pack_orders (
    sort TEXT NOT NULL CHECK (sort IN ('size', 'modified')),
    kind INTEGER NOT NULL,
    first INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    kept BLOB NOT NULL,
    UNIQUE (sort, kind, first)
) STRICT;

-- Packed entries whose size or time has changed since: where their pack puts them is old, what it calls them is not.
CREATE TABLE revalued (entry_id INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER entries_revalued AFTER UPDATE OF size, modified ON entries
WHEN (new.size IS NOT old.size OR new.modified IS NOT old.modified) AND old.id <= (SELECT upto FROM packing)
BEGIN
    INSERT OR IGNORE INTO revalued (entry_id) VALUES (old.id);
END;

-- All is packed anew, behind the doors.
DELETE FROM packs;
DELETE FROM unpacked;
UPDATE packing SET upto = 0;
