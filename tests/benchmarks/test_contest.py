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
from tests.benchmarks.copy_peer import Copy, Deaf, Durable, Failing, Liar, Serving, Web

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")

LARGE = Load(size=1 << 16, files=0, file_size=0, folders=1)
SMALL = Load(size=0, files=3, file_size=20, folders=2)
BOTH = Load(size=1 << 16, files=6, file_size=100, folders=2)
ALL = Load(size=1 << 16, files=6, file_size=100, folders=2, many=3, many_size=100)


def test_samples_come_interleaved_and_verified(tmp_path: Path) -> None:
    samples: list[Sample] = []
    with contest([Copy, Durable], tmp_path, timeout=60) as running:
        running.play(BOTH, 1, samples.append)

    assert [(sample.work, sample.peer) for sample in samples] == [
        (work, peer) for work in BOTH.works() if work in Copy.works for peer in ("copy", "durable")
    ]
    assert all(sample.wall > 0 and sample.server_peak > 0 for sample in samples)


def test_the_sync_after_a_run_counts_for_everybody(tmp_path: Path) -> None:
    samples: list[Sample] = []
    with contest([Web, Durable], tmp_path, timeout=60) as running:
        running.play(ALL, 1, samples.append)

    assert [sample.work for sample in samples if sample.peer == "web"] == list(Work)
    assert all(sample.durable == sample.wall + sample.sync > sample.wall for sample in samples)


def test_no_tree_is_deleted_before_the_end(tmp_path: Path) -> None:
    with contest([Copy], tmp_path, timeout=60) as running:
        running.play(SMALL, 2, lambda _: None)

        assert len(list((tmp_path / "copy" / "store").iterdir())) == 2
        assert len(list((tmp_path / "runs" / "copy" / Work.SMALL_DOWN).iterdir())) == 2


def test_large_files_go_at_the_end_of_their_run(tmp_path: Path) -> None:
    with contest([Web], tmp_path, timeout=60) as running:
        running.play(LARGE, 2, lambda _: None)

        assert not list((tmp_path / "web" / "store").iterdir())
        assert not [path for path in (tmp_path / "runs" / "web").rglob("*") if path.is_file()]


def test_who_only_serves_is_given_the_bytes_outside_the_clock(tmp_path: Path) -> None:
    samples: list[Sample] = []
    with contest([Serving], tmp_path, timeout=60) as running:
        running.play(ALL, 1, samples.append)

    assert [sample.work for sample in samples] == [Work.HTTP_DOWN, Work.HTTP_MANY]


def test_an_upload_that_no_download_shows_is_fetched_and_compared(tmp_path: Path) -> None:
    with contest([Deaf], tmp_path, timeout=60) as running, pytest.raises(WrongContent):
        running.play(LARGE, 1, lambda _: None)


def test_everybody_rehearses_only_what_will_be_measured(tmp_path: Path) -> None:
    with contest([Failing], tmp_path, timeout=60) as running:
        running.rehearse([Work.SMALL_UP])

    with contest([Failing], tmp_path / "again", timeout=60) as running:
        with pytest.raises(CommandFailed, match="failing"):
            running.rehearse([Work.LARGE_UP])


def test_no_run_moves_bytes_that_were_moved_before(tmp_path: Path) -> None:
    with contest([Copy], tmp_path, timeout=60) as running:
        running.play(SMALL, 2, lambda _: None)

    contents = [path.read_bytes() for path in (tmp_path / "copy" / "store").rglob("*.bin")]
    assert len(contents) == len(set(contents)) == 2 * SMALL.files


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
