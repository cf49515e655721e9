-- The first format of fileshare's database ('fshr').
PRAGMA application_id = 0x66736872;

-- Times are milliseconds since 1970, digests are the 32 raw bytes of SHA-256.

-- Deleted accounts keep their row, so that versions go on naming who made them; their name is free again.
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('admin', 'user')),
    password_hash TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    default_password INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_login INTEGER,
    deleted INTEGER
) STRICT;
CREATE UNIQUE INDEX accounts_by_name ON accounts (folded) WHERE deleted IS NULL;
-- Stands for callers without a login where require_auth is false; '!' is no bcrypt hash, nobody logs in as it.
INSERT INTO accounts (id, name, folded, role, password_hash, enabled, default_password, created)
VALUES (0, 'anonymous', 'anonymous', 'user', '!', 1, 0, 0);

-- Sessions of browsers and tokens of clients, under the SHA-256 of their secret.
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    secret_hash BLOB NOT NULL UNIQUE,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL CHECK (kind IN ('token', 'session')),
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used INTEGER NOT NULL,
    address TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account_id);

-- Failed logins, for the limiter. `address` is an IPv4 address or an IPv6 /64.
CREATE TABLE failures (
    account TEXT NOT NULL,
    address TEXT NOT NULL,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX failures_by_time ON failures (time);

-- The audit trail. Rows are only ever added.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    action TEXT NOT NULL,
    account TEXT NOT NULL,
    path TEXT NOT NULL,
    address TEXT NOT NULL,
    door TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (time);

-- Bytes under their digest: in `small_contents` where `small` is 1, otherwise the blob of that name on disk.
CREATE TABLE contents (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    size INTEGER NOT NULL CHECK (size >= 0),
    small INTEGER NOT NULL CHECK (small IN (0, 1))
) STRICT;

-- Apart from `contents`, so that a list of files does not read through the bytes of all of them.
CREATE TABLE small_contents (
    content_id INTEGER PRIMARY KEY REFERENCES contents (id) ON DELETE CASCADE,
    data BLOB NOT NULL
) STRICT;

-- Files and folders as one tree, so that a file and a folder can't share a name, and a move is one row.
-- The root is row 1. Neither it nor a trashed entry has a parent; the latter is named by `trash`.
-- A file's size and modified time are those of its current version, kept here to sort by; a folder's
-- modified time is when something in it last came, went or was renamed.
-- `folded` is the name as searches compare it, NULL where that is the name itself.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent_id INTEGER REFERENCES entries (id),
    name TEXT NOT NULL,
    folded TEXT,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1)), -- 0 folder, 1 file
    version INTEGER, -- the number of a file's current version
    size INTEGER NOT NULL DEFAULT 0,
    modified INTEGER NOT NULL,
    created INTEGER NOT NULL,
    CHECK ((kind = 1) = (version IS NOT NULL))
) STRICT;
INSERT INTO entries (id, parent_id, name, kind, modified, created) VALUES (1, NULL, '', 0, 0, 0);
-- One for each order in which a folder is listed, so that a page is found without reading those before it.
-- Files of a folder by name come from the first one too; folders have no size, and are few among files.
CREATE UNIQUE INDEX entries_by_name ON entries (parent_id, name);
CREATE INDEX folders_by_name ON entries (parent_id, name) WHERE kind = 0;
CREATE INDEX files_by_size ON entries (parent_id, size, name) WHERE kind = 1;
CREATE INDEX entries_by_modified ON entries (parent_id, kind, modified, name);

-- Versions lie beside those of the same file; their size is here too, so that sums need no join.
CREATE TABLE versions (
    entry_id INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    content_id INTEGER NOT NULL REFERENCES contents (id),
    size INTEGER NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    modified INTEGER NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (entry_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX versions_by_content ON versions (content_id);

-- The tops of what was deleted. `size` is of all versions of all files below. A doomed one is being
-- deleted for good, slice by slice, and nobody sees it any more.
CREATE TABLE trash (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id INTEGER NOT NULL UNIQUE REFERENCES entries (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    doomed INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Transfers towards a path. `offset` never leads what is durable in the part file.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    client_id TEXT,
    owner_id INTEGER NOT NULL REFERENCES accounts (id),
    path TEXT NOT NULL,
    size INTEGER,
    digest BLOB,
    on_conflict TEXT NOT NULL,
    modified INTEGER,
    state TEXT NOT NULL CHECK (state IN ('receiving', 'verifying')),
    "offset" INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    device INTEGER NOT NULL,
    found_digest BLOB,
    created INTEGER NOT NULL,
    touched INTEGER NOT NULL
) STRICT;
-- A version 1 client names none, and may have many.
CREATE UNIQUE INDEX uploads_by_client_id ON uploads (owner_id, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX uploads_by_path ON uploads (owner_id, path);
-- A blob that is being published counts as referred to before any version does.
CREATE INDEX uploads_verifying ON uploads (found_digest) WHERE state = 'verifying';

-- What became of finished uploads, so that whoever asks again gets the same answer. Ids rise with time.
CREATE TABLE receipts (
    id INTEGER PRIMARY KEY,
    upload_id TEXT NOT NULL UNIQUE,
    client_id TEXT,
    owner_id INTEGER NOT NULL REFERENCES accounts (id),
    requested TEXT NOT NULL,
    path TEXT NOT NULL,
    version INTEGER NOT NULL,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX receipts_by_client_id ON receipts (owner_id, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX receipts_by_path ON receipts (owner_id, requested);

-- Blobs that nobody may refer to any more; the sweeper looks, unlinks, and removes the row last.
CREATE TABLE garbage (
    digest BLOB PRIMARY KEY,
    seen INTEGER NOT NULL
) STRICT;
