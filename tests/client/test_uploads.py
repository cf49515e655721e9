import hashlib
import io
import os
import random
import threading
from pathlib import Path
from typing import IO

import pytest

from fileshare.client.elsewhere import go_on_elsewhere
from fileshare.client.pipes import PipeSource
from fileshare.client.rate import Rate
from fileshare.client.reports import Item, Outcome
from fileshare.client.retry import Patience
from fileshare.client.sources import FileSource, Source
from fileshare.client.state import UploadSource
from fileshare.client.uploads import Sending, Uploader
from fileshare.errors import (
    ConnectionLost,
    DigestMismatch,
    FileshareError,
    NoSpace,
    NotFound,
    ProtocolError,
    SourceChanged,
    Superseded,
)
from fileshare.wire import messages as m

from .conftest import Bench
from .scripted import Half

SIZE = 5_000_000
CONTENT = random.Random(2).randbytes(SIZE)


@pytest.fixture
def path(tmp_path: Path) -> str:
    found = tmp_path / "big.bin"
    found.write_bytes(CONTENT)
    return str(found)


def sending(path: str, upload_id: str = "a" * 32, size: int | None = SIZE) -> Sending:
    item = Item(direction="upload", path="docs/big.bin", local=path, size=size)
    return Sending(item=item, upload_id=upload_id, modified=1_234_567.5)


def send(bench: Bench, what: Sending, source: Source) -> Outcome:
    try:
        return Uploader(bench.line, Rate(), bench.notes).send(what, source)
    finally:
        source.close()


def test_a_file_arrives_with_its_digest_and_time(bench: Bench, path: str) -> None:
    outcome = send(bench, sending(path), FileSource(path))
    assert bench.server.files["docs/big.bin"].content == CONTENT
    assert bench.server.files["docs/big.bin"].modified == 1_234_567.5
    assert outcome.digest == hashlib.sha256(CONTENT).hexdigest()
    assert (outcome.moved, outcome.resumed_from, outcome.version) == (SIZE, 0, 1)
    assert bench.notes.count == SIZE


def test_an_empty_file_arrives(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    path = str(tmp_path / "empty")
    send(bench, sending(path, size=0), FileSource(path))
    assert bench.server.files["docs/big.bin"].content == b""


@pytest.mark.parametrize("cuts", [[1], [1_000_000], [SIZE - 1], [700_000, 1, 2_000_000, 65_536]])
def test_after_cuts_no_byte_that_was_read_is_sent_again(bench: Bench, path: str, cuts: list[int]) -> None:
    bench.server.faults.cut_after_received = list(cuts)
    outcome = send(bench, sending(path), FileSource(path))
    assert bench.server.files["docs/big.bin"].content == CONTENT
    assert bench.server.body_bytes == SIZE
    assert len(bench.notes.retries) >= len(cuts)
    assert outcome.resumed_from == 0
    assert outcome.moved >= SIZE


def test_a_new_process_goes_on_where_the_server_is(bench: Bench, path: str) -> None:
    bench.server.halves["a" * 32] = Half("docs/big.bin", "keep-both", SIZE, bytearray(CONTENT[:3_000_001]))
    outcome = send(bench, sending(path), FileSource(path, told=lambda *told: bench.notes.hashes.append(told)))
    assert bench.server.files["docs/big.bin"].content == CONTENT
    assert bench.server.body_bytes == SIZE - 3_000_001 == outcome.moved
    assert outcome.resumed_from == 3_000_001
    assert bench.notes.starts == [("docs/big.bin", 3_000_001)]
    assert bench.notes.hashes[-1] == (3_000_001, 3_000_001)


def test_a_beginning_that_is_not_this_files_is_never_stored(bench: Bench, path: str) -> None:
    bench.server.halves["a" * 32] = Half("docs/big.bin", "keep-both", SIZE, bytearray(1_000_000))
    with pytest.raises(DigestMismatch):
        send(bench, sending(path), FileSource(path))
    assert bench.server.files == {}
    assert bench.notes.retries == []


@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_last_reply_makes_no_second_file(bench: Bench, path: str, times: int) -> None:
    bench.server.faults.lose_replies = times
    outcome = send(bench, sending(path), FileSource(path))
    assert outcome.path == "docs/big.bin"
    assert list(bench.server.files) == ["docs/big.bin"]
    assert bench.server.stored_times == 1
    assert bench.server.body_bytes == SIZE


@pytest.mark.parametrize("error", [NoSpace(), Superseded(), FileshareError("no")])
def test_a_refusal_amid_the_bytes_comes_out_and_is_not_repeated(
    bench: Bench, path: str, error: FileshareError
) -> None:
    bench.server.faults.refuse_body_at[1_000_000] = error
    with pytest.raises(type(error)):
        send(bench, sending(path), FileSource(path))
    assert bench.notes.retries == []
    assert bench.line.ask(m.WhoAmI(), m.Identity).account == "anna"
    assert bench.server.connections == 1


def test_a_source_that_changes_meanwhile_is_given_up_at_the_server_too(bench: Bench, path: str) -> None:
    source = FileSource(path)
    with open(path, "r+b") as file:
        file.seek(4_000_000)
        file.write(b"other")
    os.utime(path, ns=(1, 1))
    with pytest.raises(SourceChanged):
        send(bench, sending(path), source)
    assert bench.server.halves == {}
    assert bench.server.files == {}


def test_a_pipe_survives_cuts(bench: Bench) -> None:
    bench.server.faults.cut_after_received = [100_000, 2_500_000, 65_536]
    source = PipeSource(io.BytesIO(CONTENT), bound=2 << 20)
    outcome = send(bench, sending("-", size=None), source)
    assert bench.server.files["docs/big.bin"].content == CONTENT
    assert outcome.size == SIZE
    assert bench.server.body_bytes == SIZE


def test_a_pipe_waits_for_checkpoints_and_gets_by_without(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.client.uploads._CHECKPOINT_SECONDS", 0.05)
    bench.server.faults.no_checkpoints = True
    source = PipeSource(io.BytesIO(CONTENT), bound=2 << 20)
    send(bench, sending("-", size=None), source)
    assert bench.server.files["docs/big.bin"].content == CONTENT
    assert bench.server.body_bytes == SIZE
    assert bench.server.connections > 1


def finish(program: IO[bytes]) -> None:
    program.write(b"two")
    program.close()


def test_a_slow_program_is_no_failure(bench: Bench) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb") as program:
        program.write(b"one")
        program.flush()
        later = threading.Timer(0.1, finish, [program])
        later.start()
        send(bench, sending("-", size=None), PipeSource(stream))
        later.join()
    assert bench.server.files["docs/big.bin"].content == b"onetwo"


def test_goes_on_with_an_upload_that_was_begun_elsewhere(bench: Bench, path: str) -> None:
    bench.server.halves["b" * 32] = Half("docs/big.bin", "keep-both", None, bytearray(CONTENT[:1_000_000]))
    bench.server.halves["c" * 32] = Half("docs/big.bin", "keep-both", SIZE, bytearray(CONTENT[:2_000_000]))
    bench.server.halves["d" * 32] = Half("docs/big.bin", "keep-both", 7, bytearray())
    bench.server.faults.cut_after_received = [1_000_000]
    source = UploadSource(path=path, target="docs/big.bin")
    _, outcome = go_on_elsewhere(bench.line, Rate(), bench.notes, source)
    assert outcome.resumed_from == 2_000_000
    assert bench.server.files["docs/big.bin"].content == CONTENT
    assert bench.server.body_bytes == SIZE - 2_000_000


def test_without_a_half_done_upload_there_is_nothing_to_go_on_with(bench: Bench, path: str) -> None:
    with pytest.raises(NotFound):
        go_on_elsewhere(bench.line, Rate(), bench.notes, UploadSource(path=path, target="docs/big.bin"))


class Clock:
    """Stands still but for the pauses."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def move_on(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The line's patience lasts for 10 ms of this clock: a pause of 1 ms and four of 2 ms."""
    found = Clock()
    bench.line.patience = Patience(0.010, clock=found, chance=lambda: 0.5)
    monkeypatch.setattr(bench.line, "_wait", found.move_on)
    return found


def test_gives_up_after_the_agreed_time_without_progress(bench: Bench, path: str, clock: Clock) -> None:
    bench.server.faults.lose_replies = 1000
    with pytest.raises(ConnectionLost):
        send(bench, sending(path), FileSource(path))
    assert len(bench.notes.retries) == 5
    assert clock.now == pytest.approx(0.009)


def test_progress_starts_the_agreed_time_anew(bench: Bench, path: str, clock: Clock) -> None:
    bench.server.faults.cut_after_received = [0] * 50
    send(bench, sending(path), FileSource(path))
    assert len(bench.notes.retries) == 50
    assert clock.now == pytest.approx(0.050)
    assert bench.server.files["docs/big.bin"].content == CONTENT


@pytest.mark.parametrize("offset", [SIZE + 1, 2**50])
def test_an_offset_beyond_the_file_is_refused(bench: Bench, path: str, offset: int) -> None:
    class Liar(bytearray):
        def __len__(self) -> int:
            return offset

    bench.server.halves["a" * 32] = Half("docs/big.bin", "keep-both", SIZE, Liar())
    with pytest.raises(ProtocolError):
        send(bench, sending(path), FileSource(path))


def test_a_server_that_claims_to_have_stored_something_else_is_not_believed(
    bench: Bench, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lie(upload_id: str, stored_at: str, *_: object) -> m.Stored:
        return m.Stored(upload_id=upload_id, path=stored_at, version=1, size=SIZE, digest="0" * 64)

    monkeypatch.setattr(bench.server, "store", lie)
    with pytest.raises(ProtocolError, match="something else"):
        send(bench, sending(path), FileSource(path))
