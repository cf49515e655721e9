"""One large file up over several connections, with pieces made small so that there are many."""

import hashlib
import os
import random
from pathlib import Path

import pytest

from fileshare.client.digests import Digests
from fileshare.client.rate import Rate
from fileshare.client.tally import Tally
from fileshare.client.upload_jobs import UploadOrder, assign, source_of
from fileshare.client.upload_run import UploadRun
from fileshare.errors import ConnectionLost
from fileshare.wire import messages as m

from .conftest import Bench

PIECE = 64 << 10
CONTENT = random.Random(21).randbytes(40 * PIECE + 777)


@pytest.fixture(autouse=True)
def small_pieces(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.server.features = [*bench.server.features, "append"]
    for module in ("piece_uploads", "upload_worker"):
        monkeypatch.setattr(f"fileshare.client.{module}.LARGE", 4 * PIECE)
    monkeypatch.setattr("fileshare.client.piece_uploads.PIECE", PIECE)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.bin"
    path.write_bytes(CONTENT)
    return path


def run(bench: Bench, *paths: Path, jobs: int = 4, limit: int | None = None) -> Tally:
    tally = Tally("upload", bench.notes)
    order = UploadOrder(server=bench.line.server.name, account="anna", on_conflict="keep-both")
    works = assign(bench.state, order, [source_of(str(path), "", None) for path in paths])
    UploadRun(works, bench.lines, Rate(limit), tally, Digests(bench.state.folder)).run(jobs)
    return tally


def pieces(bench: Bench) -> list[m.Upload]:
    return [one for one in bench.server.requests if isinstance(one, m.Upload) and one.piece]


def stored(bench: Bench, name: str = "big.bin") -> bytes:
    return bench.server.files[name].content


def test_file_goes_over_all_connections_and_each_byte_once(bench: Bench, big: Path) -> None:
    run(bench, big)
    assert stored(bench) == CONTENT
    assert len(pieces(bench)) == 41
    assert bench.server.body_bytes == len(CONTENT)
    assert bench.server.connections == 4
    assert bench.server.halves == {}
    outcome = bench.notes.outcomes["big.bin"]
    assert (outcome.moved, outcome.resumed_from) == (len(CONTENT), 0)
    assert outcome.digest == hashlib.sha256(CONTENT).hexdigest()
    assert bench.notes.count == len(CONTENT)


@pytest.mark.parametrize(("jobs", "limit"), [(1, None), (4, 1 << 30)])
def test_one_connection_or_a_limit_sends_it_whole(
    bench: Bench, big: Path, jobs: int, limit: int | None
) -> None:
    run(bench, big, jobs=jobs, limit=limit)
    assert stored(bench) == CONTENT
    assert pieces(bench) == []


def test_server_without_the_feature_gets_it_whole(bench: Bench, big: Path) -> None:
    bench.server.features.remove("append")
    run(bench, big)
    assert stored(bench) == CONTENT
    assert pieces(bench) == []


def test_cuts_cost_no_byte_twice(bench: Bench, big: Path) -> None:
    bench.server.faults.cut_after_received = [PIECE // 2 + 5_000 * number for number in range(1, 12)]
    run(bench, big)
    assert stored(bench) == CONTENT
    assert len(bench.notes.retries) >= 1
    # What was on its way when the line was cut may have been lost, and nothing else.
    assert bench.server.body_bytes == len(CONTENT)


def test_lost_answers_store_nothing_twice(bench: Bench, big: Path) -> None:
    bench.server.faults.lose_replies = 9
    run(bench, big)
    assert stored(bench) == CONTENT
    assert bench.server.stored_times == 1
    assert bench.server.body_bytes == len(CONTENT)
    assert bench.server.halves == {}


@pytest.mark.parametrize("jobs", [1, 3, 5])
def test_later_run_finds_what_came_of_each_piece(bench: Bench, big: Path, jobs: int) -> None:
    """With as many connections as it likes, one included."""
    stop_after(bench, 12 * PIECE)
    with pytest.raises(ConnectionLost):
        run(bench, big)
    came = bench.server.body_bytes
    assert 0 < came < len(CONTENT)
    assert any(half.piece for half in bench.server.halves.values())

    fresh = bench.lines.__class__(bench.line.server, bench.line._login, bench.notes, retry_seconds=20.0)
    again = Bench(bench.server, bench.notes, bench.state, fresh)
    try:
        run(again, big, jobs=jobs)
    finally:
        fresh.close()
    assert stored(bench) == CONTENT
    assert bench.server.body_bytes == len(CONTENT)
    assert bench.server.halves == {}
    outcome = bench.notes.outcomes["big.bin"]
    assert outcome.resumed_from + outcome.moved == len(CONTENT)
    assert outcome.resumed_from == came


def stop_after(bench: Bench, count: int) -> None:
    bench.server.faults.at_received[count] = bench.lines.stop


def test_source_that_changes_is_noticed_and_nothing_is_stored(bench: Bench, big: Path) -> None:
    def change() -> None:
        with big.open("r+b") as file:
            file.write(b"other")
        os.utime(big, ns=(1, 1))

    bench.server.faults.at_received[10 * PIECE] = change
    run(bench, big)
    assert bench.server.files == {}
    assert "big.bin" not in bench.notes.outcomes
    assert next(iter(bench.notes.errors.values())).code == "source_changed"


def test_several_large_files_with_idle_connections_helping(bench: Bench, tmp_path: Path) -> None:
    chance = random.Random(22)
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"b{number}.bin")
        paths[-1].write_bytes(chance.randbytes((12 + number) * PIECE + number))
    run(bench, *paths, jobs=5)
    for path in paths:
        assert stored(bench, path.name) == path.read_bytes()
    assert bench.server.halves == {}
