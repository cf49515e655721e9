"""One large file over several connections, with pieces made small so that there are many."""

import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from fileshare.client.download_jobs import DownloadOrder, job_of, root_entry
from fileshare.client.download_run import DownloadRun
from fileshare.client.rate import Rate
from fileshare.client.state import DownloadJob
from fileshare.client.tally import Tally
from fileshare.errors import ConnectionLost, Damaged, DigestMismatch, NoSpace, ProtocolError
from fileshare.wire import messages as m

from .conftest import Bench
from .scripted import Faults, Stored

PIECE = 64 << 10
CONTENT = random.Random(11).randbytes(40 * PIECE + 777)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileshare.client.downloads.LARGE", 1 << 20)
    monkeypatch.setattr("fileshare.client.pieces.SMALLEST", PIECE)
    monkeypatch.setattr("fileshare.client.pieces.LARGEST", PIECE)
    monkeypatch.setattr("fileshare.client.pieces.AHEAD", 12 * PIECE)


@pytest.fixture
def job(bench: Bench, tmp_path: Path) -> DownloadJob:
    bench.server.files["big.bin"] = Stored(CONTENT)
    made = job_of(
        DownloadOrder(
            server=bench.line.server.name,
            account="anna",
            paths=("big.bin",),
            output=str(tmp_path / "out"),
            into_folder=True,
        )
    )
    bench.state.save_job(made)
    return made


def run(
    bench: Bench, job: DownloadJob, *, jobs: int = 4, resume: bool = False, limit: int | None = None
) -> Tally:
    tally = Tally("download", bench.notes)
    roots = [root_entry(bench.line, path, None) for path in job.paths]
    run = DownloadRun(
        job, roots, bench.lines, rate=Rate(limit), tally=tally, state=bench.state, resume=resume
    )
    run.run(jobs)
    return tally


def asked(bench: Bench) -> list[m.Download]:
    return [request for request in bench.server.requests if isinstance(request, m.Download)]


def test_file_comes_over_all_connections_and_each_byte_once(
    bench: Bench, job: DownloadJob, tmp_path: Path
) -> None:
    run(bench, job)
    assert (tmp_path / "out" / "big.bin").read_bytes() == CONTENT
    assert sorted(int(one.offset) for one in asked(bench)) == list(range(0, len(CONTENT), PIECE))
    assert bench.server.connections == 4
    outcome = bench.notes.outcomes["big.bin"]
    assert (outcome.moved, outcome.resumed_from, outcome.size) == (len(CONTENT), 0, len(CONTENT))
    assert bench.notes.count == len(CONTENT)
    assert not list(tmp_path.rglob("*.part"))


def test_one_connection_asks_for_the_whole(bench: Bench, job: DownloadJob) -> None:
    run(bench, job, jobs=1)
    assert len(asked(bench)) == 1


def test_limit_of_speed_asks_for_the_whole(bench: Bench, job: DownloadJob) -> None:
    """The line is not what makes it slow then."""
    run(bench, job, limit=1 << 30)
    assert len(asked(bench)) == 1


def test_cuts_cost_no_byte_twice(bench: Bench, job: DownloadJob, tmp_path: Path) -> None:
    bench.server.faults.cut_after_sent = [PIECE // 3 + 7 * number for number in range(1, 12)]
    run(bench, job)
    assert (tmp_path / "out" / "big.bin").read_bytes() == CONTENT
    assert len(bench.notes.retries) >= 1
    assert bench.notes.outcomes["big.bin"].moved == len(CONTENT)
    # A piece that was cut is asked for from where it was, whoever goes on with it.
    starts = [int(one.offset) for one in asked(bench)]
    assert any(start % PIECE for start in starts)


def test_connection_that_is_lost_for_good_leaves_its_pieces_to_others(
    bench: Bench, job: DownloadJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []
    real = bench.lines.line

    def line() -> Any:
        made = real()
        if not taken:
            monkeypatch.setattr(made, "conversation", _lost)
        taken.append(made)
        return made

    monkeypatch.setattr(bench.lines, "line", line)
    run(bench, job)
    assert (tmp_path / "out" / "big.bin").read_bytes() == CONTENT
    assert bench.server.connections == 3


def _lost() -> Any:
    raise ConnectionLost("This one never comes back.")


def test_what_a_failure_leaves_is_the_beginning_and_is_gone_on_with(
    bench: Bench, job: DownloadJob, tmp_path: Path
) -> None:
    damage_after(bench, 20)
    run(bench, job)
    assert isinstance(bench.notes.errors["big.bin"], Damaged)
    part = tmp_path / "out" / "big.bin.part"
    there = part.read_bytes()
    assert 0 < len(there) < len(CONTENT)
    assert there == CONTENT[: len(there)]

    bench.server.requests.clear()
    bench.server.faults = Faults()
    run(bench, job, resume=True)
    assert (tmp_path / "out" / "big.bin").read_bytes() == CONTENT
    assert min(int(one.offset) for one in asked(bench)) == len(there)
    outcome = bench.notes.outcomes["big.bin"]
    assert (outcome.resumed_from, outcome.moved) == (len(there), len(CONTENT) - len(there))


def damage_after(bench: Bench, count: int) -> None:
    """The server finds the file damaged after so many pieces."""

    def begin_as(begin: m.DownloadBegin) -> m.DownloadBegin:
        if len(asked(bench)) >= count:
            bench.server.faults.refuse["DOWNLOAD"] = Damaged()
        return begin

    bench.server.faults.begin_as = begin_as


def test_content_that_changes_meanwhile_comes_whole_and_is_not_mixed(
    bench: Bench, job: DownloadJob, tmp_path: Path
) -> None:
    other = random.Random(12).randbytes(len(CONTENT))

    def begin_as(begin: m.DownloadBegin) -> m.DownloadBegin:
        if len(asked(bench)) >= 15:
            bench.server.files["big.bin"] = Stored(other, version=2)
        return begin

    bench.server.faults.begin_as = begin_as
    run(bench, job)
    assert (tmp_path / "out" / "big.bin").read_bytes() == other
    assert bench.notes.outcomes["big.bin"].version == 2


def test_wrong_bytes_get_no_name(bench: Bench, job: DownloadJob, tmp_path: Path) -> None:
    bench.server.faults.corrupt_downloads = 100
    tally = run(bench, job)
    assert isinstance(bench.notes.errors["big.bin"], DigestMismatch)
    assert tally.errors
    assert not (tmp_path / "out" / "big.bin").exists()


def test_full_disk_ends_it_for_all_and_keeps_the_beginning(
    bench: Bench, job: DownloadJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fileshare.client.part_sinks import PartSink

    real = PartSink.write

    def write(sink: PartSink, data: memoryview) -> None:
        if sink.offset > 10 * PIECE:
            raise NoSpace("Your disk is full.")
        real(sink, data)

    monkeypatch.setattr(PartSink, "write", write)
    with pytest.raises(NoSpace):
        run(bench, job)
    there = (tmp_path / "out" / "big.bin.part").read_bytes()
    assert len(there) > 10 * PIECE
    assert there == CONTENT[: len(there)]


def test_server_that_sends_another_range_is_not_believed(
    bench: Bench, job: DownloadJob, tmp_path: Path
) -> None:
    bench.server.faults.begin_as = lambda begin: replace(begin, offset=begin.offset + 1)
    with pytest.raises(ProtocolError):
        run(bench, job)
    assert not (tmp_path / "out" / "big.bin").exists()


def test_several_large_files_are_each_whole_with_idle_connections_helping(
    bench: Bench, job: DownloadJob, tmp_path: Path
) -> None:
    chance = random.Random(13)
    contents = {f"b{number}.bin": chance.randbytes((20 + number) * PIECE) for number in range(3)}
    bench.server.files |= {name: Stored(content) for name, content in contents.items()}
    several = replace(job, id="several0several0", paths=tuple(contents))
    bench.state.save_job(several)
    run(bench, several, jobs=5)
    for name, content in contents.items():
        assert (tmp_path / "out" / name).read_bytes() == content
    assert bench.server.connections <= 5
