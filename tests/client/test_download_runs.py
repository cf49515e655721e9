import os
import random
from pathlib import Path

import pytest

from fileshare.client.download_jobs import DownloadOrder, interrupted, job_of, root_entry
from fileshare.client.download_run import DownloadRun
from fileshare.client.rate import Rate
from fileshare.client.state import DownloadJob
from fileshare.client.tally import Tally
from fileshare.errors import BadName, BadRequest, Conflict, ConnectionLost, NotFound, ProtocolError
from fileshare.wire import messages as m

from .conftest import Bench
from .scripted import Stored


@pytest.fixture
def remote(bench: Bench) -> dict[str, bytes]:
    """Sixty small files in six folders and two large ones, on the server."""
    chance = random.Random(4)
    files = {f"docs/d{number % 6}/{number}.txt": chance.randbytes(number * 7) for number in range(60)}
    files["docs/large.bin"] = chance.randbytes(2_500_000)
    files["docs/d1/large.bin"] = chance.randbytes(1_500_000)
    bench.server.files = {path: Stored(content) for path, content in files.items()}
    bench.server.folders = {"docs/empty", "docs/empty/deep"}
    return files


def order(bench: Bench, output: Path, *paths: str, overwrite: bool = False) -> DownloadOrder:
    return DownloadOrder(
        server=bench.line.server.name,
        account="anna",
        paths=paths or ("docs",),
        output=str(output),
        into_folder=True,
        recursive=True,
        overwrite=overwrite,
    )


def run(bench: Bench, job: DownloadJob, *, jobs: int = 1, resume: bool = False) -> Tally:
    bench.state.save_job(job)
    roots = [root_entry(bench.line, path, None) for path in job.paths]
    tally = Tally("download", bench.notes)
    found = DownloadRun(job, roots, bench.lines, rate=Rate(), tally=tally, state=bench.state, resume=resume)
    found.run(jobs)
    return tally


def local(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_folder_arrives_whole_with_empty_folders_and_times(
    bench: Bench, remote: dict[str, bytes], tmp_path: Path, jobs: int
) -> None:
    tally = run(bench, job_of(order(bench, tmp_path)), jobs=jobs)
    assert local(tmp_path / "docs") == {path.removeprefix("docs/"): data for path, data in remote.items()}
    assert (tmp_path / "docs" / "empty" / "deep").is_dir()
    assert os.stat(tmp_path / "docs" / "large.bin").st_mtime == 1_700_000_000
    assert tally.summary().files == 62
    assert bench.state.jobs(bench.line.server.name) == []
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_cuts_lose_nothing(bench: Bench, remote: dict[str, bytes], tmp_path: Path, jobs: int) -> None:
    bench.server.faults.cut_after_sent = [10, 1000, 500_000, 1_000_000, 0, 2_000]
    tally = run(bench, job_of(order(bench, tmp_path)), jobs=jobs)
    assert tally.errors == []
    assert local(tmp_path / "docs") == {path.removeprefix("docs/"): data for path, data in remote.items()}


def test_an_interrupted_folder_goes_on_and_fetches_nothing_twice(
    bench: Bench, remote: dict[str, bytes], tmp_path: Path
) -> None:
    wanted = order(bench, tmp_path)
    job = job_of(wanted)
    bench.server.faults.cut_after_sent = [900_000]
    bench.line.patience._give_up_after = -1
    with pytest.raises(ConnectionLost):
        run(bench, job)
    bench.line.patience._give_up_after = 20
    came = bench.notes.count
    assert interrupted(bench.state, wanted) == job
    tally = run(bench, job, resume=True)
    assert tally.errors == []
    assert local(tmp_path / "docs") == {path.removeprefix("docs/"): data for path, data in remote.items()}
    assert bench.notes.count == sum(map(len, remote.values()))
    assert came > 0


def test_what_is_there_already_is_not_fetched_again(
    bench: Bench, remote: dict[str, bytes], tmp_path: Path
) -> None:
    run(bench, job_of(order(bench, tmp_path)))
    before = bench.notes.count
    tally = run(bench, job_of(order(bench, tmp_path)))
    assert bench.notes.count == before
    assert tally.summary().skipped == 62


def test_a_local_file_is_never_replaced_in_silence(
    bench: Bench, remote: dict[str, bytes], tmp_path: Path
) -> None:
    own = tmp_path / "docs" / "large.bin"
    own.parent.mkdir()
    own.write_bytes(b"mine")
    tally = run(bench, job_of(order(bench, tmp_path)))
    assert [type(error) for error in tally.errors] == [Conflict]
    assert own.read_bytes() == b"mine"
    run(bench, job_of(order(bench, tmp_path, overwrite=True)))
    assert own.read_bytes() == remote["docs/large.bin"]


def test_files_and_folders_in_each_others_way_are_named(
    bench: Bench, remote: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "d1").write_bytes(b"a file")
    (tmp_path / "docs" / "large.bin").mkdir()
    tally = run(bench, job_of(order(bench, tmp_path, overwrite=True)))
    assert tally.errors
    assert (tmp_path / "docs" / "d1").read_bytes() == b"a file"
    assert (tmp_path / "docs" / "large.bin").is_dir()


@pytest.mark.parametrize(
    "path",
    [
        "../evil",
        "docs/../../evil",
        "/etc/evil",
        "other/evil",
        "docs",
        "docs//evil",
        "docs/a\\..\\evil",
        "docs/\x1b[2J",
    ],
)
def test_a_hostile_listing_writes_nothing_outside(
    bench: Bench, remote: dict[str, bytes], tmp_path: Path, path: str
) -> None:
    entry = m.EntryInfo(path=path, kind="file", modified=0.0, size=4, digest="0" * 64, version=1)
    bench.server.faults.listing = [entry]
    output = tmp_path / "deep" / "deeper"
    tally = run(bench, job_of(order(bench, output)))
    assert [type(error) for error in tally.errors] == [BadName]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and "state" not in str(path)] == []


def test_a_folder_of_that_name_cannot_leave_either(
    bench: Bench, remote: dict[str, bytes], tmp_path: Path
) -> None:
    bench.server.faults.listing = [m.EntryInfo(path="docs/../../evil", kind="folder", modified=0.0)]
    tally = run(bench, job_of(order(bench, tmp_path / "deep")))
    assert len(tally.errors) == 1
    assert not (tmp_path / "evil").exists()


def test_an_endless_listing_is_noticed(bench: Bench, remote: dict[str, bytes], tmp_path: Path) -> None:
    class Endless(list[m.EntryInfo]):
        def __len__(self) -> int:
            return 1 << 60

    bench.server.faults.listing = Endless()
    with pytest.raises(ProtocolError, match="end"):
        run(bench, job_of(order(bench, tmp_path)))


def test_a_time_that_no_file_can_have_is_left_away(bench: Bench, tmp_path: Path) -> None:
    bench.server.files["x"] = Stored(b"x", modified=2.0**39)
    bench.server.files["y"] = Stored(b"y", modified=-(2.0**39))
    tally = run(bench, job_of(order(bench, tmp_path, "x", "y")))
    assert tally.errors == []
    assert (tmp_path / "x").read_bytes() == b"x"


def test_a_folder_needs_recursive(bench: Bench, remote: dict[str, bytes], tmp_path: Path) -> None:
    job = job_of(
        DownloadOrder(
            server=bench.line.server.name,
            account="anna",
            paths=("docs",),
            output=str(tmp_path),
            into_folder=True,
        )
    )
    tally = run(bench, job)
    assert [type(error) for error in tally.errors] == [BadRequest]


def test_the_root_comes_without_a_folder_of_its_own(
    bench: Bench, remote: dict[str, bytes], tmp_path: Path
) -> None:
    run(bench, job_of(order(bench, tmp_path, "")))
    assert (tmp_path / "docs" / "large.bin").exists()


def test_a_file_that_vanishes_from_the_server_is_named(
    bench: Bench, remote: dict[str, bytes], tmp_path: Path
) -> None:
    entries = [bench.server.entry(path) for path in remote]
    bench.server.faults.listing = entries
    del bench.server.files["docs/d3/3.txt"]
    tally = run(bench, job_of(order(bench, tmp_path)))
    assert [type(error) for error in tally.errors] == [NotFound]
    assert tally.summary().files == 61
    assert interrupted(bench.state, order(bench, tmp_path)) is not None
