"""A whole benchmark in small, with peers that only copy."""

import sys
from pathlib import Path

import pytest

from benchmarks.contest import contest
from benchmarks.measure import CommandFailed
from benchmarks.plan import Load, Work
from benchmarks.report import Sample
from benchmarks.server import ServerFailed
from benchmarks.sources import WrongContent
from tests.benchmarks.copy_peer import Copy, Durable, Failing, Liar

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")

LARGE = Load(size=1 << 16, files=0, file_size=0, folders=1)
BOTH = Load(size=1 << 16, files=6, file_size=100, folders=2)


def test_samples_come_interleaved_and_verified(tmp_path: Path) -> None:
    samples: list[Sample] = []
    with contest([Copy, Durable], tmp_path, timeout=60) as running:
        running.play(BOTH, 1, samples.append)

    assert [(sample.work, sample.peer) for sample in samples] == [
        (work, peer) for work in BOTH.works() for peer in ("copy", "durable")
    ]
    assert all(sample.wall > 0 and sample.server_peak > 0 for sample in samples)


def test_a_sync_counts_on_top_only_for_peers_that_do_not_sync(tmp_path: Path) -> None:
    samples: list[Sample] = []
    with contest([Copy, Durable], tmp_path, timeout=60) as running:
        running.play(LARGE, 1, samples.append)

    copied, durable = (sample for sample in samples if sample.work == Work.LARGE_UP)
    assert copied.durable == copied.wall + copied.sync > copied.wall
    assert durable.durable == durable.wall


def test_nothing_is_deleted_before_the_end(tmp_path: Path) -> None:
    with contest([Copy], tmp_path, timeout=60) as running:
        running.play(LARGE, 2, lambda _: None)

        assert len(list((tmp_path / "copy" / "store").iterdir())) == 2
        assert len(list((tmp_path / "runs" / "copy").iterdir())) == 2


def test_no_run_moves_bytes_that_were_moved_before(tmp_path: Path) -> None:
    with contest([Copy], tmp_path, timeout=60) as running:
        running.play(LARGE, 2, lambda _: None)

    first, second = (path.read_bytes() for path in (tmp_path / "copy" / "store").iterdir())
    assert first != second


def test_a_peer_that_delivers_nothing_stops_the_benchmark(tmp_path: Path) -> None:
    with contest([Liar], tmp_path, timeout=60) as running, pytest.raises(WrongContent):
        running.play(LARGE, 1, lambda _: None)


def test_a_command_that_fails_is_shown_with_what_it_said(tmp_path: Path) -> None:
    with (
        contest([Failing], tmp_path, timeout=60) as running,
        pytest.raises(CommandFailed, match=r"cp ended with 1(.|\n)*/no such file"),
    ):
        running.play(LARGE, 1, lambda _: None)


def test_servers_are_stopped_when_a_later_one_does_not_come_up(tmp_path: Path) -> None:
    started: list[Copy] = []

    class First(Copy):
        def start(self) -> None:
            super().start()
            started.append(self)

    class Broken(Copy):
        def start(self) -> None:
            raise ServerFailed("no")

    with pytest.raises(ServerFailed), contest([First, Broken], tmp_path, timeout=60):
        pass

    assert started[0].server.members() == []
