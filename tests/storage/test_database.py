"""The database: whole units, shared commits, and no write after an error of the disk."""

import asyncio
import logging
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from fileshare.errors import NoSpace, NotFound, StorageFailed, Unavailable
from fileshare.storage.sqlite import comeback, transactions, wal
from fileshare.storage.sqlite import connection as connection_module
from fileshare.storage.sqlite.database import Database

SCHEMA = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;"


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_notes.sql").write_text(SCHEMA)
    return folder


@pytest.fixture
async def notes(tmp_path: Path, migrations: Path) -> AsyncIterator[Database]:
    """A database with one table of texts."""
    database = Database(tmp_path / "notes.db", migrations)
    await database.open()
    yield database
    await database.close()


def add(db: sqlite3.Connection, *texts: str) -> None:
    for text in texts:
        db.execute("INSERT INTO notes (text) VALUES (?1)", (text,))


def texts(db: sqlite3.Connection) -> list[str]:
    return [text for (text,) in db.execute("SELECT text FROM notes ORDER BY id")]


def add_then_fail(db: sqlite3.Connection, text: str, error: Exception) -> None:
    add(db, text)
    raise error


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0.001)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def unfinished(folder: Path) -> list[Path]:
    return list(folder.glob("*.unfinished"))


def left_open(folder: Path) -> list[Path]:
    held = [fd.readlink() for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    return [path for path in held if path.is_relative_to(folder)]


def size_of(path: Path) -> int:
    return path.stat().st_size


class Gate:
    """Holds the thread that runs a unit until the test lets it go on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, db: sqlite3.Connection) -> None:
        self.reached.set()
        assert self.open.wait(20)

    async def wait(self) -> None:
        await asyncio.to_thread(self.reached.wait, 20)


class Failing(sqlite3.Connection):
    """A connection on which chosen statements fail as the disk makes them fail."""

    fails: ClassVar[dict[str, int]] = {}

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        code = self.fails.get(sql)
        if code is not None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = code
            raise error
        return super().execute(sql, *args)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Statements that fail from now on, with their error codes."""
    connect = partial(sqlite3.connect, factory=Failing)
    monkeypatch.setattr(connection_module, "sqlite3", _With(sqlite3, connect=connect))
    monkeypatch.setattr(Failing, "fails", {})
    return Failing.fails


class _With:
    """A module with some of its names replaced."""

    def __init__(self, module: object, **names: object) -> None:
        self._module = module
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


async def test_what_a_unit_did_is_there_for_the_next_read(notes: Database) -> None:
    await notes.run(add, "one", "two")
    assert await notes.read(texts) == ["one", "two"]


async def test_a_unit_that_raises_leaves_nothing(notes: Database) -> None:
    with pytest.raises(NotFound):
        await notes.run(add_then_fail, "lost", NotFound())
    with pytest.raises(sqlite3.IntegrityError):
        await notes.run(add, "twice", "twice")
    assert await notes.read(texts) == []
    await notes.run(add, "after")
    assert await notes.read(texts) == ["after"]


async def test_a_read_can_not_write(notes: Database) -> None:
    with pytest.raises(StorageFailed):
        await notes.read(add, "x")
    assert notes.writable


async def test_a_read_that_the_disk_fails_is_told_as_such(notes: Database) -> None:
    """After such an error SQLite has ended the transaction by itself: there is nothing to roll back."""

    def unit(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    with pytest.raises(StorageFailed):
        await notes.read(unit)
    assert await notes.read(texts) == []


async def test_a_read_sees_one_state_while_writes_go_on(notes: Database) -> None:
    await notes.run(add, "before")
    gate = Gate()

    def read_twice(db: sqlite3.Connection) -> tuple[list[str], list[str]]:
        first = texts(db)
        gate(db)
        return first, texts(db)

    reading = asyncio.create_task(notes.read(read_twice))
    await gate.wait()
    await notes.run(add, "meanwhile")
    assert await notes.read(texts) == ["before", "meanwhile"]
    gate.open.set()
    assert await reading == (["before"], ["before"])


async def test_cancellation_can_not_split_a_unit(notes: Database) -> None:
    """Pins what aiosqlite's thread does with a function whose caller is gone: it runs it whole."""
    gate = Gate()

    def unit(db: sqlite3.Connection) -> None:
        add(db, "first half")
        gate(db)
        add(db, "second half")

    running = asyncio.create_task(notes.run(unit))
    await gate.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    gate.open.set()
    await notes.run(add, "next")
    assert await notes.read(texts) == ["first half", "second half", "next"]


async def test_a_unit_whose_caller_is_cancelled_while_it_waits_is_run_too(notes: Database) -> None:
    gate = Gate()
    first = asyncio.create_task(notes.run(gate))
    await gate.wait()
    second = asyncio.create_task(notes.run(add, "waited"))
    await asyncio.sleep(0)
    second.cancel()
    gate.open.set()
    await first
    await notes.run(add, "next")
    assert await notes.read(texts) == ["waited", "next"]


async def test_units_that_wait_share_one_commit_and_fail_alone(
    notes: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "SHARED_SECONDS", 10)
    statements: list[str] = []
    gate = Gate()

    def watch(db: sqlite3.Connection) -> None:
        gate(db)
        db.set_trace_callback(statements.append)

    first = asyncio.create_task(notes.run(watch))
    await gate.wait()
    waiting = [
        asyncio.create_task(notes.run(add, "a")),
        asyncio.create_task(notes.run(add_then_fail, "b", NotFound())),
        asyncio.create_task(notes.run(add, "c", "c")),
        asyncio.create_task(notes.run(add, "d")),
    ]
    await asyncio.sleep(0)
    gate.open.set()
    await first
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in done] == [type(None), NotFound, sqlite3.IntegrityError, type(None)]
    assert await notes.read(texts) == ["a", "d"]
    assert statements.count("COMMIT") == 1


async def test_the_first_of_several_units_can_fail_alone_too(notes: Database) -> None:
    gate = Gate()
    blocking = asyncio.create_task(notes.run(gate))
    await gate.wait()
    failing = asyncio.create_task(notes.run(add_then_fail, "x", NotFound()))
    after = asyncio.create_task(notes.run(add, "y"))
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(blocking, failing, after, return_exceptions=True)
    assert await notes.read(texts) == ["y"]


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CORRUPT]
)
async def test_a_failed_commit_stops_writes_until_opened_anew(
    failing: dict[str, int], tmp_path: Path, migrations: Path, code: int
) -> None:
    notes = Database(tmp_path / "notes.db", migrations)
    await notes.open()
    await notes.run(add, "before")
    failing["COMMIT"] = code
    with pytest.raises(StorageFailed):
        await notes.run(add, "unknown")
    failing.clear()
    assert not notes.writable
    with pytest.raises(Unavailable):
        await notes.run(add, "after")
    assert await notes.read(texts) == ["before"]
    await notes.close()
    await notes.open()
    await notes.run(add, "anew")
    assert (await notes.read(texts))[-1] == "anew"
    await notes.close()


async def test_writes_come_back_by_themselves_when_the_error_is_over(
    failing: dict[str, int],
    tmp_path: Path,
    migrations: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(comeback, "FIRST", 0.001)
    notes = Database(tmp_path / "notes.db", migrations)
    await notes.open()
    await notes.run(add, "before")
    failing["COMMIT"] = failing["PRAGMA wal_checkpoint(TRUNCATE)"] = sqlite3.SQLITE_IOERR_WRITE
    with pytest.raises(StorageFailed):
        await notes.run(add, "in vain")
    await until(lambda: "takes no writes yet" in caplog.text)
    assert await notes.read(texts) == ["before"]
    failing.clear()
    await until(lambda: notes.writable)
    await notes.run(add, "after")
    assert await notes.read(texts) == ["before", "after"]
    await notes.close()


async def test_writes_never_come_back_by_themselves_to_a_damaged_file(
    failing: dict[str, int], tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comeback, "FIRST", 0)
    notes = Database(tmp_path / "notes.db", migrations)
    await notes.open()
    failing["COMMIT"] = sqlite3.SQLITE_CORRUPT
    with pytest.raises(StorageFailed):
        await notes.run(add, "in vain")
    failing.clear()
    for _ in range(50):
        await notes.read(texts)
    assert not notes.writable
    await notes.close()


async def test_an_opening_that_fails_leaves_nothing_open(
    tmp_path: Path, migrations: Path, failing: dict[str, int]
) -> None:
    failing["PRAGMA query_only = ON"] = sqlite3.SQLITE_IOERR_READ
    database = Database(tmp_path / "fileshare.db", migrations)
    with pytest.raises(StorageFailed):
        await database.open()
    assert not left_open(tmp_path)


async def test_units_that_wait_behind_a_failed_commit_are_refused(
    failing: dict[str, int], tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "SHARED_SECONDS", 0)
    notes = Database(tmp_path / "notes.db", migrations)
    await notes.open()
    gate = Gate()
    blocking = asyncio.create_task(notes.run(gate))
    await gate.wait()
    waiting = [asyncio.create_task(notes.run(add, text)) for text in "abc"]
    await asyncio.sleep(0)
    failing["COMMIT"] = sqlite3.SQLITE_IOERR_FSYNC
    gate.open.set()
    done = await asyncio.gather(blocking, *waiting, return_exceptions=True)
    assert [type(outcome) for outcome in done] == [StorageFailed, Unavailable, Unavailable, Unavailable]
    await notes.close()


async def test_a_failed_checkpoint_stops_writes(
    failing: dict[str, int], tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own automatic checkpoints would keep this error to themselves."""
    monkeypatch.setattr(wal, "CHECKPOINT", 0)
    notes = Database(tmp_path / "notes.db", migrations)
    await notes.open()
    failing["PRAGMA wal_checkpoint(PASSIVE)"] = sqlite3.SQLITE_IOERR_FSYNC
    await notes.run(add, "durable all the same")
    with pytest.raises(Unavailable):
        await notes.run(add, "after")
    assert await notes.read(texts) == ["durable all the same"]
    await notes.close()


async def test_a_full_disk_changes_nothing_and_does_not_stop_writes(notes: Database) -> None:
    def limit(db: sqlite3.Connection, pages: int) -> None:
        db.execute(f"PRAGMA max_page_count = {pages}")

    await notes.run(limit, 10)
    with pytest.raises(NoSpace):
        await notes.run(add, "x" * 100_000)
    assert await notes.read(texts) == []
    assert notes.writable
    await notes.run(limit, 1000)
    await notes.run(add, "fits")
    assert await notes.read(texts) == ["fits"]


async def test_a_full_disk_fails_every_unit_of_its_transaction(notes: Database) -> None:
    await notes.run(lambda db: db.execute("PRAGMA max_page_count = 10"))
    gate = Gate()
    blocking = asyncio.create_task(notes.run(gate))
    await gate.wait()
    small, big = asyncio.create_task(notes.run(add, "s")), asyncio.create_task(notes.run(add, "b" * 100_000))
    await asyncio.sleep(0)
    gate.open.set()
    done = await asyncio.gather(blocking, small, big, return_exceptions=True)
    kept = ["s"] if done[1] is None else []
    assert await notes.read(texts) == kept
    assert isinstance(done[2], NoSpace)


async def test_another_program_that_holds_the_database_makes_it_unavailable(
    tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "BUSY_MS", 1)
    notes = Database(tmp_path / "notes.db", migrations)
    await notes.open()
    other = sqlite3.connect(tmp_path / "notes.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        await notes.run(add, "x")
    other.close()
    await notes.run(add, "y")
    assert await notes.read(texts) == ["y"]
    await notes.close()


async def test_the_log_begins_anew_before_it_grows_without_end(
    notes: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "CHECKPOINT", wal.KEPT)
    for number in range(40):
        await notes.run(add, str(number) + "x" * (1 << 20))
    assert size_of(tmp_path / "notes.db-wal") < wal.KEPT + (4 << 20)
    assert len(await notes.read(texts)) == 40


async def test_a_log_that_readers_keep_growing_is_told_and_cut_back(
    tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection_module, "BUSY_MS", 1)
    monkeypatch.setattr(wal, "CHECKPOINT", 50_000)
    monkeypatch.setattr(wal, "ALARM", 100_000)
    monkeypatch.setattr(wal, "KEPT", 0)
    notes = Database(tmp_path / "notes.db", migrations)
    await notes.open()
    gate = Gate()
    await notes.run(add, "seen")

    def hold(db: sqlite3.Connection) -> list[str]:
        first = texts(db)
        gate(db)
        return first

    reading = asyncio.create_task(notes.read(hold))
    await gate.wait()
    await notes.run(add, "x" * 200_000)
    assert "and waiting for readers" in caplog.text
    gate.open.set()
    assert await reading == ["seen"]
    await notes.run(add, "y" * 60_000)  # is followed by another checkpoint, and then it begins anew
    await notes.run(add, "z")
    assert size_of(tmp_path / "notes.db-wal") < 100_000
    await notes.close()


async def test_copy_is_a_whole_database_of_one_moment(notes: Database, tmp_path: Path) -> None:
    await notes.run(add, "one")
    target = tmp_path / "copy.db"
    target.with_name("copy.db.unfinished").write_bytes(b"left by a kill")
    await notes.copy(target)
    await notes.run(add, "two")
    assert mode_of(target) == 0o600
    with sqlite3.connect(target) as copy:
        assert texts(copy) == ["one"]
    copy.close()
    await notes.copy(target)
    with sqlite3.connect(target) as copy:
        assert texts(copy) == ["one", "two"]
    copy.close()
    assert not unfinished(tmp_path)


async def test_copy_that_fails_leaves_no_file(notes: Database, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        await notes.copy(tmp_path / "no folder" / "copy.db")
    (tmp_path / "taken").mkdir()
    with pytest.raises(StorageFailed):
        await notes.copy(tmp_path / "taken")
    assert not unfinished(tmp_path)


async def test_close_waits_for_units_and_nothing_runs_after_it(tmp_path: Path, migrations: Path) -> None:
    notes = Database(tmp_path / "notes.db", migrations)
    with pytest.raises(Unavailable):
        await notes.run(add, "too early")
    await notes.open()
    running = [asyncio.create_task(notes.run(add, text)) for text in "abc"]
    await asyncio.sleep(0)
    await notes.close()
    await asyncio.gather(*running)
    await notes.close()
    with pytest.raises(Unavailable):
        await notes.run(add, "too late")
    with pytest.raises(Unavailable):
        await notes.read(texts)
    await notes.open()
    assert await notes.read(texts) == ["a", "b", "c"]
    await notes.close()


async def test_what_is_asked_while_it_closes_is_done_or_refused(tmp_path: Path, migrations: Path) -> None:
    notes = Database(tmp_path / "notes.db", migrations)
    await notes.open()
    early = asyncio.create_task(notes.read(texts))
    await asyncio.sleep(0)
    closing = asyncio.create_task(notes.close())
    for _ in range(3):
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await notes.read(texts)
        with pytest.raises(Unavailable):
            await notes.run(add, "x")
    await closing
    assert await early == []


async def test_the_files_are_their_owners_alone(notes: Database, tmp_path: Path) -> None:
    await notes.run(add, "x")
    files = [tmp_path / name for name in ("notes.db", "notes.db-shm", "notes.db-wal")]
    assert {mode_of(file) for file in files} == {0o600}


async def test_commits_are_synced_and_keys_checked(notes: Database) -> None:
    def settings(db: sqlite3.Connection) -> list[object]:
        wanted = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
        return [db.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted]

    assert await notes.run(settings) == ["wal", 2, 1, 0]


async def test_slow_and_failed_units_are_logged_by_name_without_values(
    notes: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transactions, "SLOW_SECONDS", 0)
    caplog.set_level(logging.DEBUG)
    await notes.run(add, "SECRET")
    assert "test_database.add took" in caplog.text
    with pytest.raises(sqlite3.IntegrityError):
        await notes.run(add, "SECRET")
    with pytest.raises(ZeroDivisionError):
        await notes.run(add_then_fail, "SECRET too", ZeroDivisionError())
    with pytest.raises(sqlite3.OperationalError):
        await notes.read(lambda db: db.execute("SELECT * FROM nothing"))
    assert "test_database.add_then_fail failed: ZeroDivisionError" in caplog.text
    assert {record.name for record in caplog.records} <= {"fileshare.database", "asyncio"}
    assert "SECRET" not in caplog.text


async def test_a_refusal_is_no_failure_worth_a_line(
    notes: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotFound):
        await notes.run(add_then_fail, "x", NotFound())
    assert not caplog.records


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "fileshare.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageFailed):
        await Database(path).open()
    assert path.read_bytes() == b"this is no database" * 100


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        await Database(tmp_path / "nothing" / "fileshare.db").open()


KILLED = """
import asyncio, os, sys
from pathlib import Path
from fileshare.storage.sqlite.database import Database

async def main():
    database = Database(Path(sys.argv[1]), Path(sys.argv[2]))
    await database.open()
    number = 0
    while True:
        await database.run(lambda db: db.execute("INSERT INTO notes (text) VALUES (?1)", (str(number),)))
        os.write(1, f"{number}\\n".encode())
        number += 1

asyncio.run(main())
"""


def killed_after(commits: int, path: Path, migrations: Path) -> list[bytes]:
    """What a writer told until it was killed."""
    command = [sys.executable, "-c", KILLED, str(path), str(migrations)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(commits)]
        process.kill()
        return told + process.stdout.readlines()


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, migrations: Path) -> None:
    path = tmp_path / "notes.db"
    told = await asyncio.to_thread(killed_after, 50, path, migrations)
    notes = Database(path, migrations)
    await notes.open()
    kept = await notes.read(texts)
    assert kept[: len(told)] == [line.decode().strip() for line in told]
    await notes.close()


FULL = """
import asyncio, resource, sys
from pathlib import Path
from fileshare.errors import StorageFailed, Unavailable
from fileshare.storage.sqlite.database import Database

async def main():
    database = Database(Path(sys.argv[1]), Path(sys.argv[2]))
    await database.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    kept = 0
    try:
        while True:
            await database.run(
                lambda db: db.execute("INSERT INTO notes (text) VALUES (?1)", (f"{kept} " + "x" * 50_000,))
            )
            kept += 1
    except StorageFailed:
        pass
    try:
        await database.run(lambda db: None)
    except Unavailable:
        print(kept)
    await database.close()

asyncio.run(main())
"""


async def test_a_file_that_may_not_grow_stops_writes_and_loses_nothing(
    tmp_path: Path, migrations: Path
) -> None:
    path = tmp_path / "notes.db"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", FULL, str(path), str(migrations)],
        capture_output=True,
        check=True,
    )
    kept = int(done.stdout)
    notes = Database(path, migrations)
    await notes.open()
    assert [text.split()[0] for text in await notes.read(texts)][:kept] == [str(n) for n in range(kept)]
    assert kept > 5
    await notes.close()
