"""Small files in flocks: many in one answer, verified each, and none lost, mixed or fetched twice."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from fileshare.client.downloads import Wanted
from fileshare.client.gets import SMALL, Answer, Gets, Grown
from fileshare.client.landing import Landing
from fileshare.client.rate import Rate
from fileshare.client.reports import Outcome
from fileshare.errors import (
    Conflict,
    Damaged,
    DigestMismatch,
    FileshareError,
    Forbidden,
    NotFound,
    ProtocolError,
)
from fileshare.wire import messages as m

from .conftest import Bench
from .scripted import ScriptedServer, Stored


def small(server: ScriptedServer, folder: Path, number: int, size: int = 100) -> Wanted:
    content = random.Random(number).randbytes(size)
    stored = server.files[f"{number}.bin"] = Stored(content)
    return Wanted(
        path=f"{number}.bin",
        target=str(folder / f"{number}.bin"),
        size=size,
        digest=stored.digest,
        modified=stored.modified,
    )


def fetch_all(bench: Bench, wanted: list[Wanted]) -> dict[str, Outcome | FileshareError | Grown]:
    answers: list[Answer] = []
    landing = Landing(os.path.dirname(wanted[0].target), "job")
    gets = Gets(bench.line, Rate(), bench.notes, landing, answers.extend)
    try:
        for one in wanted:
            gets.add(one)
        gets.finish()
    finally:
        landing.close()
    assert len(answers) == len(wanted)
    return {one.path: result for one, result in answers}


@pytest.fixture(params=["get", "download"])
def flocks(request: pytest.FixtureRequest, bench: Bench) -> Bench:
    """With a server that knows GET, and with one that doesn't."""
    bench.server.features = [request.param]
    return bench


def commands(bench: Bench) -> set[str]:
    return {request.command for request in bench.server.requests}


def test_small_files_arrive_in_flocks(flocks: Bench, tmp_path: Path) -> None:
    wanted = [small(flocks.server, tmp_path, number, number * 10) for number in range(200)]
    answers = fetch_all(flocks, wanted)
    assert all(isinstance(answer, Outcome) for answer in answers.values())
    for one in wanted:
        assert Path(one.target).read_bytes() == flocks.server.files[one.path].content
        assert os.stat(one.target).st_mtime == 1_700_000_000
    assert len(list(tmp_path.glob("*"))) == 200
    assert flocks.server.connections == 1


def test_cuts_among_small_files_lose_none(flocks: Bench, tmp_path: Path) -> None:
    wanted = [small(flocks.server, tmp_path, number, 1000) for number in range(100)]
    flocks.server.faults.cut_after_sent = [500, 20_000, 3000]
    answers = fetch_all(flocks, wanted)
    assert all(isinstance(answer, Outcome) for answer in answers.values())
    assert all(Path(one.target).read_bytes() == flocks.server.files[one.path].content for one in wanted)


def test_of_small_files_those_that_fail_are_named_and_others_come(flocks: Bench, tmp_path: Path) -> None:
    wanted = [small(flocks.server, tmp_path, number) for number in range(10)]
    del flocks.server.files["3.bin"]
    flocks.server.files["4.bin"] = Stored(bytes(SMALL + 1))
    Path(wanted[5].target).write_bytes(b"mine")
    flocks.server.faults.corrupt_downloads = 1
    answers = fetch_all(flocks, wanted)
    assert isinstance(answers["0.bin"], DigestMismatch)
    assert isinstance(answers["3.bin"], NotFound)
    assert isinstance(answers["4.bin"], Grown)
    assert isinstance(answers["5.bin"], Conflict)
    assert sum(isinstance(answer, Outcome) for answer in answers.values()) == 6
    assert Path(wanted[5].target).read_bytes() == b"mine"
    assert not list(tmp_path.glob(".*"))


def test_a_small_file_that_says_it_is_endless_is_not_swallowed(bench: Bench, tmp_path: Path) -> None:
    bench.server.features = []
    bench.server.faults.begin_as = lambda begin: replace(begin, length=2**40, size=2**40)
    with pytest.raises(ProtocolError):
        fetch_all(bench, [small(bench.server, tmp_path, 1)])


def test_where_the_server_knows_it_many_files_come_in_one_answer(bench: Bench, tmp_path: Path) -> None:
    wanted = [small(bench.server, tmp_path, number) for number in range(600)]
    fetch_all(bench, wanted)
    asked = [len(request.paths) for request in bench.server.requests if isinstance(request, m.Get)]
    assert asked == [256, 256, 88]
    assert "DOWNLOAD" not in commands(bench)


def test_files_that_an_answer_does_not_come_to_are_asked_for_again(bench: Bench, tmp_path: Path) -> None:
    bench.server.faults.get_bytes = 1000
    wanted = [small(bench.server, tmp_path, number, number * 10) for number in range(100)]
    answers = fetch_all(bench, wanted)
    assert all(isinstance(answer, Outcome) for answer in answers.values())
    assert all(Path(one.target).read_bytes() == bench.server.files[one.path].content for one in wanted)


def test_what_came_whole_before_a_cut_is_not_fetched_again(bench: Bench, tmp_path: Path) -> None:
    wanted = [small(bench.server, tmp_path, number, 1000) for number in range(100)]
    bench.server.faults.cut_after_sent = [30_500]
    answers = fetch_all(bench, wanted)
    assert all(isinstance(answer, Outcome) for answer in answers.values())
    first, second = [request for request in bench.server.requests if isinstance(request, m.Get)]
    assert second.paths == first.paths[30:]
    assert bench.notes.count == 100_000
    assert bench.notes.starts == [(one.path, 0) for one in wanted]


def test_medium_files_and_certain_versions_come_by_download(bench: Bench, tmp_path: Path) -> None:
    wanted = [small(bench.server, tmp_path, number, size) for number, size in enumerate([5, 40_000, 6])]
    wanted[2] = replace(wanted[2], version=1)
    answers = fetch_all(bench, wanted)
    assert all(isinstance(answer, Outcome) for answer in answers.values())
    asked = [type(request) for request in bench.server.requests]
    assert (asked.count(m.Get), asked.count(m.Download)) == (1, 2)


@pytest.mark.parametrize("known", [True, False])
def test_a_small_file_that_changed_meanwhile_comes_as_it_is_now(
    bench: Bench, tmp_path: Path, known: bool
) -> None:
    bench.server.features = ["get"] if known else []
    wanted = [small(bench.server, tmp_path, number) for number in range(3)]
    bench.server.files["1.bin"] = Stored(b"another content", version=2)
    outcome = fetch_all(bench, wanted)["1.bin"]
    assert isinstance(outcome, Outcome)
    assert (outcome.version, outcome.size) == (2, 15)
    assert Path(wanted[1].target).read_bytes() == b"another content"


def test_a_content_that_is_damaged_at_the_server_is_named_and_others_come(
    bench: Bench, tmp_path: Path
) -> None:
    wanted = [small(bench.server, tmp_path, number) for number in range(3)]
    bench.server.faults.refuse["1.bin"] = Damaged()
    answers = fetch_all(bench, wanted)
    assert isinstance(answers["1.bin"], Damaged)
    assert sum(isinstance(answer, Outcome) for answer in answers.values()) == 2
    assert not Path(wanted[1].target).exists()


HOSTILE: dict[str, Callable[[list[m.GetResult]], list[m.GetResult]]] = {
    "more files than asked for": lambda results: [*results, *results],
    "no file at all": lambda results: [],
    "an endless file": lambda results: [replace(results[0], size=2**62), *results[1:]],
    "less than nothing": lambda results: [replace(results[0], size=-5), *results[1:]],
    "more bytes than announced": lambda results: [replace(results[0], size=3), *results[1:]],
    "fewer bytes than announced": lambda results: [replace(results[0], size=300), *results[1:]],
}


@pytest.mark.parametrize("lie", HOSTILE)
def test_a_hostile_answer_to_a_get_is_refused(bench: Bench, tmp_path: Path, lie: str) -> None:
    wanted = [small(bench.server, tmp_path / "here", number) for number in range(5)]
    (tmp_path / "here").mkdir()
    bench.server.faults.results_as = HOSTILE[lie]
    with pytest.raises(ProtocolError):
        fetch_all(bench, wanted)
    assert {path.name for path in tmp_path.iterdir()} <= {"here", "state"}
    for one in wanted:
        target = Path(one.target)
        assert not target.exists() or target.read_bytes() == bench.server.files[one.path].content


def test_bytes_of_another_file_never_get_a_name(bench: Bench, tmp_path: Path) -> None:
    wanted = [small(bench.server, tmp_path, number) for number in range(5)]
    bench.server.faults.results_as = lambda results: [*results[1:], results[0]]
    answers = fetch_all(bench, wanted)
    assert all(isinstance(answer, DigestMismatch) for answer in answers.values())
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_of_a_whole_get_belongs_to_each_of_its_files(bench: Bench, tmp_path: Path) -> None:
    wanted = [small(bench.server, tmp_path, number) for number in range(3)]
    bench.server.faults.refuse["GET"] = Forbidden()
    answers = fetch_all(bench, wanted)
    assert all(isinstance(answer, Forbidden) for answer in answers.values())


def test_a_folder_that_can_not_be_written_to_is_told_for_each_file(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    answers = fetch_all(bench, [small(bench.server, tmp_path / "file", number) for number in range(3)])
    assert all(isinstance(answer, FileshareError) for answer in answers.values())
