import hashlib
import io
import os
import random
import sys
from pathlib import Path

import pytest

from fileshare.client.pipes import PipeSource
from fileshare.client.sources import FileSource, digest_of_file, open_file, read_small
from fileshare.client.state import Identity
from fileshare.errors import BadRequest, IntegrityError, NotFound, SourceChanged

CONTENT = random.Random(1).randbytes(3_500_000)


def made(tmp_path: Path, content: bytes = CONTENT) -> str:
    path = tmp_path / "source"
    path.write_bytes(content)
    return str(path)


def read_all(source: FileSource | PipeSource, offset: int, limit: int = 1 << 20) -> bytes:
    found = b""
    while data := source.read(offset + len(found), limit):
        found += data
    return found


@pytest.mark.parametrize("start", [0, 1, 1 << 20, 3_000_000, 3_499_999, 3_500_000])
def test_the_digest_is_of_the_whole_wherever_sending_begins(tmp_path: Path, start: int) -> None:
    told: list[tuple[int, int]] = []
    source = FileSource(made(tmp_path), told=lambda count, total: told.append((count, total)))
    assert read_all(source, start) == CONTENT[start:]
    assert source.digest() == hashlib.sha256(CONTENT).hexdigest()
    assert bool(told) == bool(start)
    assert all(total == start for _, total in told)
    source.close()


def test_going_back_hashes_nothing_twice(tmp_path: Path) -> None:
    source = FileSource(made(tmp_path))
    source.read(0, 1 << 20)
    source.read(1 << 20, 1 << 20)
    source.read(500_000, 1000)  # the line was lost, and the server had that much
    assert read_all(source, 501_000, 300_000) == CONTENT[501_000:]
    assert source.digest() == hashlib.sha256(CONTENT).hexdigest()
    source.close()


def test_an_empty_file_has_a_digest(tmp_path: Path) -> None:
    source = FileSource(made(tmp_path, b""))
    assert not source.read(0, 100)
    assert source.digest() == hashlib.sha256().hexdigest()
    source.close()


def test_a_source_that_is_not_the_one_begun_with_is_noticed(tmp_path: Path) -> None:
    path = made(tmp_path)
    identity = Identity.of(os.stat(path))
    Path(path).write_bytes(CONTENT[::-1])
    os.utime(path, ns=(1, 1))
    with pytest.raises(SourceChanged):
        FileSource(path, identity)
    with pytest.raises(SourceChanged):
        read_small(path, identity)


def test_a_source_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = made(tmp_path)
    source = FileSource(path)
    read_all(source, 0)
    with open(path, "r+b") as file:
        file.write(b"x")
    os.utime(path, ns=(1, 1))
    with pytest.raises(SourceChanged):
        source.digest()
    source.close()


def test_a_source_that_becomes_shorter_is_noticed(tmp_path: Path) -> None:
    path = made(tmp_path)
    source = FileSource(path)
    os.truncate(path, 100)
    with pytest.raises(SourceChanged):
        read_all(source, 0)
    source.close()


def test_a_source_that_is_replaced_while_its_beginning_is_hashed_is_noticed(tmp_path: Path) -> None:
    path = made(tmp_path)
    source = FileSource(path)
    os.unlink(path)
    made(tmp_path, CONTENT[::-1])
    read_all(source, 2_000_000)
    with pytest.raises(SourceChanged):
        source.digest()
    source.close()


def test_closing_ends_the_hashing(tmp_path: Path) -> None:
    source = FileSource(made(tmp_path))
    source.read(3_000_000, 10)
    source.close()
    source.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes among files")
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadRequest):
        open_file(str(tmp_path / "pipe"))
    with pytest.raises(BadRequest):
        open_file(str(tmp_path))


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_file(str(tmp_path / "nothing"))


def test_a_small_file_is_read_whole(tmp_path: Path) -> None:
    path = made(tmp_path, b"abc")
    assert read_small(path, Identity.of(os.stat(path))) == b"abc"
    assert digest_of_file(path) == hashlib.sha256(b"abc").hexdigest()


def test_a_pipe_gives_again_what_the_server_may_have_lost() -> None:
    source = PipeSource(io.BytesIO(CONTENT), bound=4 << 20)
    source.read(0, 1_000_000)
    source.read(1_000_000, 1_000_000)
    source.kept(1_000_000)
    again = source.read(1_500_000, 100)
    assert bytes(again) == CONTENT[1_500_000:1_500_100]
    assert read_all(source, 1_500_100) == CONTENT[1_500_100:]
    assert source.size == len(CONTENT)
    assert source.digest() == hashlib.sha256(CONTENT).hexdigest()


def test_a_pipe_holds_no_more_than_its_bound() -> None:
    source = PipeSource(io.BytesIO(CONTENT), bound=1_000_000)
    offset = 0
    while not source.must_wait(offset):
        offset += len(source.read(offset, 300_000))
    assert 1_000_000 <= offset <= 1_300_000
    source.kept(offset)
    assert not source.must_wait(offset)


def test_what_a_pipe_has_let_go_of_can_not_be_asked_for() -> None:
    source = PipeSource(io.BytesIO(CONTENT))
    source.read(0, 1000)
    source.read(1000, 1000)
    source.kept(1000)
    with pytest.raises(IntegrityError):
        source.read(0, 10)
    with pytest.raises(IntegrityError):
        source.read(5000, 10)
