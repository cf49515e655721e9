"""After another boot only what a checkpoint covered is believed; what lies behind it may be anything.

A test can't cut the power, so it does to the data folder what a power cut may do to
one, between a `kill -9` and the next start: another boot id in the row, and a tail
of the part that is zeros, garbage or missing.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.inspection import half_done, inspect
from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version2

MIB = 1 << 20
DATA = content(16 * MIB)
NAME = "0123456789abcdef"


def zeros(part: Path, offset: int) -> None:
    with part.open("r+b") as file:
        length = file.seek(0, 2)
        file.seek(offset)
        file.write(bytes(length - offset))


def garbage(part: Path, offset: int) -> None:
    with part.open("r+b") as file:
        file.seek(offset)
        file.write(content(2 * MIB, seed=9))


def missing(part: Path, offset: int) -> None:
    with part.open("r+b") as file:
        file.truncate(offset)


def another_boot(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "fileshare.db")) as database, database:
        database.execute("UPDATE uploads SET boot_id = 'an earlier boot'")


def interrupted(serve: Serve) -> tuple[Server, int]:
    """A killed server with a checkpoint somewhere in the middle of an upload; also where."""
    server = serve(require_auth=False, checkpoint_bytes=MIB)
    with Version2(server.address) as talk:
        talk.begin(NAME, "a.bin", size=len(DATA))
        talk.send_data(DATA[: 14 * MIB])
        talk.checkpoint_from(2 * MIB)
        server.kill()
    return server, half_done(server.data_dir)[0][1]


def finish(server: Server, offset: int) -> None:
    with Version2(server.address) as talk:
        assert talk.begin(NAME, "a.bin", size=len(DATA)) == offset
        talk.send_data(DATA[offset:])
        talk.send_end(DATA)
        status, final = talk.final()
    assert (status, final["path"]) == ("STORED", "a.bin")
    assert inspect(server.data_dir, rehash=True).clean


@pytest.mark.parametrize("spoil", [zeros, garbage, missing])
def test_upload_goes_back_to_its_checkpoint(serve: Serve, spoil: Callable[[Path, int], None]) -> None:
    server, offset = interrupted(serve)
    spoil(next((server.data_dir / "uploads").glob("*.part")), offset)
    another_boot(server.data_dir)
    server.restart()
    finish(server, offset)


def test_a_part_shorter_than_its_row_takes_the_row_back(serve: Serve) -> None:
    server, offset = interrupted(serve)
    missing(next((server.data_dir / "uploads").glob("*.part")), offset - 5)
    another_boot(server.data_dir)
    server.restart()
    finish(server, offset - 5)


def test_a_part_that_is_gone_begins_anew(serve: Serve) -> None:
    server, _ = interrupted(serve)
    next((server.data_dir / "uploads").glob("*.part")).unlink()
    another_boot(server.data_dir)
    server.restart()
    finish(server, 0)
