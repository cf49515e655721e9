import hashlib
import io
import os
import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from fileshare.client.downloads import Downloader, Fetch, StreamSink, Wanted
from fileshare.client.part_sinks import Parts
from fileshare.client.rate import Rate
from fileshare.errors import (
    Conflict,
    DigestMismatch,
    FileshareError,
    NoSpace,
    NotFound,
    ProtocolError,
    SourceChanged,
    StorageFailed,
)

from .conftest import Bench
from .scripted import Stored

if TYPE_CHECKING:
    from typing_extensions import Buffer

CONTENT = random.Random(3).randbytes(3_000_000)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out" / "big.bin"


@pytest.fixture
def wanted(bench: Bench, target: Path) -> Wanted:
    bench.server.files["big.bin"] = stored = Stored(CONTENT)
    target.parent.mkdir()
    return Wanted(
        path="big.bin", target=str(target), size=len(CONTENT), digest=stored.digest, modified=stored.modified
    )


def downloader(bench: Bench, *, resume: bool = False) -> Downloader:
    return Downloader(
        bench.line,
        Rate(),
        bench.notes,
        Parts(bench.state, bench.line.server.name, bench.notes, resume=resume),
    )


def leave_a_part(bench: Bench, wanted: Wanted) -> int:
    """What a download leaves that was interrupted; returns its size."""
    bench.server.faults.refuse["WHOAMI"] = NotFound()
    bench.server.faults.cut_after_sent = [1_234_567]
    seconds, bench.line.patience._give_up_after = bench.line.patience._give_up_after, -1
    with pytest.raises(FileshareError):
        downloader(bench).fetch(wanted)
    bench.line.patience._give_up_after = seconds
    size = os.path.getsize(wanted.target + ".part")
    assert 0 < size <= 1_234_567
    return size


def test_a_file_arrives_verified_with_its_time_and_no_litter(
    bench: Bench, wanted: Wanted, target: Path
) -> None:
    outcome = downloader(bench).fetch(wanted)
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mtime == 1_700_000_000
    assert list(target.parent.iterdir()) == [target]
    assert bench.state.part(wanted.target + ".part") is None
    assert (outcome.moved, outcome.resumed_from) == (len(CONTENT), 0)


@pytest.mark.parametrize("cuts", [[0], [1], [1_000_000], [500_000, 77, 1_500_000]])
def test_after_cuts_it_goes_on_by_itself(bench: Bench, wanted: Wanted, target: Path, cuts: list[int]) -> None:
    bench.server.faults.cut_after_sent = list(cuts)
    outcome = downloader(bench).fetch(wanted)
    assert target.read_bytes() == CONTENT
    assert outcome.moved == len(CONTENT)
    assert len(bench.notes.retries) == len(cuts)


def test_a_later_run_goes_on_with_the_part(bench: Bench, wanted: Wanted, target: Path) -> None:
    size = leave_a_part(bench, wanted)
    outcome = downloader(bench, resume=True).fetch(wanted)
    assert target.read_bytes() == CONTENT
    assert outcome.resumed_from == size
    assert outcome.moved == len(CONTENT) - size
    assert bench.notes.hashes[-1] == (size, size)


def test_without_resume_a_leftover_part_is_kept_aside_and_named(
    bench: Bench, wanted: Wanted, target: Path
) -> None:
    size = leave_a_part(bench, wanted)
    outcome = downloader(bench).fetch(wanted)
    assert outcome.resumed_from == 0
    aside = Path(wanted.target + ".part.1")
    assert aside.stat().st_size == size
    assert any(str(aside) in note for note in bench.notes.notes)


def test_a_part_of_another_content_is_never_gone_on_with(bench: Bench, wanted: Wanted, target: Path) -> None:
    leave_a_part(bench, wanted)
    bench.server.files["big.bin"] = new = Stored(CONTENT[::-1])
    now = replace(wanted, digest=new.digest)
    outcome = downloader(bench, resume=True).fetch(now)
    assert target.read_bytes() == CONTENT[::-1]
    assert outcome.resumed_from == 0
    assert Path(wanted.target + ".part.1").exists()
    assert any("changed on the server" in note for note in bench.notes.notes)


def test_content_that_changes_between_two_tries_is_not_mixed(
    bench: Bench, wanted: Wanted, target: Path
) -> None:
    class Changing(list[int]):
        def pop(self, index: object = 0) -> int:
            bench.server.files["big.bin"] = Stored(CONTENT[::-1], version=2)
            return super().pop(0)

    bench.server.faults.cut_after_sent = Changing([1_000_000])
    outcome = downloader(bench).fetch(wanted)
    assert target.read_bytes() == CONTENT[::-1]
    assert outcome.digest == hashlib.sha256(CONTENT[::-1]).hexdigest()
    assert outcome.version == 2
    assert Path(wanted.target + ".part.1").exists()


def test_a_damaged_part_costs_a_second_fetch_and_no_wrong_byte(
    bench: Bench, wanted: Wanted, target: Path
) -> None:
    leave_a_part(bench, wanted)
    with open(wanted.target + ".part", "r+b") as part:
        part.write(b"damage")
    downloader(bench, resume=True).fetch(wanted)
    assert target.read_bytes() == CONTENT
    assert any("damaged" in note for note in bench.notes.notes)


def test_wrong_bytes_are_never_given_a_name(bench: Bench, wanted: Wanted, target: Path) -> None:
    bench.server.faults.corrupt_downloads = 1
    with pytest.raises(DigestMismatch):
        downloader(bench).fetch(wanted)
    assert list(target.parent.iterdir()) == []
    assert bench.notes.retries == []


def test_a_users_file_that_looks_like_a_part_stays(bench: Bench, wanted: Wanted, target: Path) -> None:
    own = Path(wanted.target + ".part")
    own.write_bytes(b"mine")
    downloader(bench, resume=True).fetch(wanted)
    assert own.read_bytes() == b"mine"
    assert target.read_bytes() == CONTENT


def test_a_file_that_appears_meanwhile_is_not_replaced(bench: Bench, wanted: Wanted, target: Path) -> None:
    target.write_bytes(b"mine")
    with pytest.raises(Conflict):
        downloader(bench).fetch(wanted)
    assert target.read_bytes() == b"mine"
    downloader(bench, resume=True).fetch(replace(wanted, replace=True))
    assert target.read_bytes() == CONTENT


def test_a_full_disk_keeps_what_arrived(
    bench: Bench, wanted: Wanted, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def full(fd: int, data: "Buffer") -> int:
        if threading.current_thread().name == "write" and os.lseek(fd, 0, os.SEEK_CUR) >= 1 << 20:
            raise OSError(28, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(NoSpace, match="Your disk"):
        downloader(bench).fetch(wanted)
    monkeypatch.undo()
    outcome = downloader(bench, resume=True).fetch(wanted)
    assert outcome.resumed_from == 1 << 20
    assert target.read_bytes() == CONTENT


def test_a_sync_that_failed_in_the_background_is_never_forgotten(
    bench: Bench, wanted: Wanted, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.client.early_sync._EVERY", 1_000_000)
    real = os.fsync
    failed: list[int] = []

    def fails_once(descriptor: int) -> None:
        if threading.current_thread().name == "sync" and not failed:
            failed.append(descriptor)
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fails_once)
    with pytest.raises(StorageFailed, match="Input/output"):
        downloader(bench).fetch(wanted)
    assert failed
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    "lie",
    [{"offset": 5}, {"length": 10}, {"size": 10}, {"size": 2**53 - 1, "length": 2**53 - 1}],
)
def test_a_server_that_sends_another_range_is_not_believed(
    bench: Bench, wanted: Wanted, target: Path, lie: dict[str, int]
) -> None:
    bench.server.faults.begin_as = lambda begin: replace(begin, **lie)
    with pytest.raises(ProtocolError):
        downloader(bench).fetch(wanted)
    assert not target.exists()


def test_printing_goes_on_after_a_cut_and_is_verified(bench: Bench, wanted: Wanted) -> None:
    bench.server.faults.cut_after_sent = [1_000_000]
    out = io.BytesIO()
    Fetch(bench.line, Rate(), bench.notes, wanted, StreamSink(out, wanted.digest)).run()
    assert out.getvalue() == CONTENT


def test_printing_ends_when_the_content_changes(bench: Bench, wanted: Wanted) -> None:
    sink = StreamSink(io.BytesIO(), wanted.digest)
    sink.write(memoryview(CONTENT)[:1000])
    bench.server.files["big.bin"] = Stored(b"other")
    with pytest.raises(SourceChanged):
        Fetch(bench.line, Rate(), bench.notes, wanted, sink).run()
