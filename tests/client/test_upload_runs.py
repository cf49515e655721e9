import hashlib
import os
from pathlib import Path

import pytest

from fileshare.client.digests import Digests, _key
from fileshare.client.rate import Rate
from fileshare.client.state import UploadJob
from fileshare.client.tally import Tally
from fileshare.client.upload_jobs import UploadOrder, Work, assign, rehearsal, source_of
from fileshare.client.upload_run import UploadRun
from fileshare.errors import (
    BadName,
    BadRequest,
    ConnectionLost,
    FileshareError,
    Forbidden,
    NotFound,
    Superseded,
    Unavailable,
)
from fileshare.wire import messages as m

from .conftest import Bench
from .scripted import Half, ScriptedServer

LARGE = ScriptedServer.limits.put_size + 1


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """130 small files in 13 folders, two large ones, and an empty folder."""
    root = tmp_path / "tree"
    for folder in range(13):
        (root / f"d{folder}").mkdir(parents=True)
        for number in range(10):
            (root / f"d{folder}" / f"{number}.txt").write_bytes(f"{folder}/{number}".encode() * number)
    (root / "empty" / "deep").mkdir(parents=True)
    (root / "large.bin").write_bytes(os.urandom(LARGE))
    (root / "d3" / "large.bin").write_bytes(os.urandom(2_000_000))
    return root


def order(bench: Bench, on_conflict: str = "keep-both") -> UploadOrder:
    return UploadOrder(server=bench.line.server.name, account="anna", on_conflict=on_conflict)


def works_for(bench: Bench, *paths: Path, on_conflict: str = "keep-both") -> list[Work]:
    sources = [source_of(str(path), "to", None) for path in paths]
    return assign(bench.state, order(bench, on_conflict), sources)


def run(bench: Bench, *paths: Path, on_conflict: str = "keep-both", jobs: int = 1) -> Tally:
    tally = Tally("upload", bench.notes)
    works = works_for(bench, *paths, on_conflict=on_conflict)
    UploadRun(works, bench.lines, Rate(), tally, Digests(bench.state.folder)).run(jobs)
    return tally


def contents(tree: Path) -> dict[str, bytes]:
    files = [path for path in tree.rglob("*") if path.is_file()]
    return {f"to/tree/{path.relative_to(tree).as_posix()}": path.read_bytes() for path in files}


def stored(bench: Bench) -> dict[str, bytes]:
    return {path: file.content for path, file in bench.server.files.items()}


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_folder_arrives_whole_with_empty_folders_and_times(bench: Bench, tree: Path, jobs: int) -> None:
    os.utime(tree / "d3" / "1.txt", (1_000, 1_000))
    tally = run(bench, tree, jobs=jobs)
    assert stored(bench) == contents(tree)
    assert bench.server.folders == {"to/tree/empty/deep"}
    assert bench.server.files["to/tree/d3/1.txt"].modified == 1_000
    summary = tally.summary()
    assert (summary.files, summary.failed, summary.skipped) == (132, 0, 0)
    assert summary.moved == summary.size == sum(map(len, contents(tree).values()))
    assert bench.notes.totals == [132, summary.size]
    assert bench.state.jobs(bench.line.server.name) == []


@pytest.mark.parametrize("jobs", [1, 3])
def test_cuts_and_lost_replies_lose_nothing_and_store_nothing_twice(
    bench: Bench, tree: Path, jobs: int
) -> None:
    bench.server.faults.cut_after_received = [1, 500, 1000, 1_000_000, 65_536]
    bench.server.faults.lose_replies = 3
    run(bench, tree, jobs=jobs)
    assert stored(bench) == contents(tree)
    assert bench.server.stored_times == 132
    assert len(bench.notes.outcomes) == 132


@pytest.fixture
def small_tree(tree: Path) -> Path:
    (tree / "large.bin").unlink()
    return tree


def test_small_files_whose_answers_were_lost_are_not_sent_again(bench: Bench, small_tree: Path) -> None:
    bench.server.faults.lose_replies = 2
    run(bench, small_tree)
    assert bench.server.body_bytes == sum(map(len, contents(small_tree).values()))


def test_a_later_run_asks_before_it_sends_small_files_again(bench: Bench, small_tree: Path) -> None:
    bench.server.faults.lose_replies = 1
    bench.line.patience._give_up_after = -1
    with pytest.raises(ConnectionLost):
        run(bench, small_tree)
    assert bench.server.stored_times
    bench.line.patience._give_up_after = 20
    run(bench, small_tree)
    assert stored(bench) == contents(small_tree)
    assert bench.server.body_bytes == sum(map(len, contents(small_tree).values()))


def stop_at(bench: Bench, tree: Path, *, after: int) -> None:
    """Interrupt an upload as a kill would: the line is cut at some point, and nobody tries again."""
    bench.server.faults.cut_after_received = [after]
    bench.line.patience._give_up_after = -1
    with pytest.raises(ConnectionLost):
        run(bench, tree)
    bench.line.patience._give_up_after = 20


@pytest.mark.parametrize("after", [1, 700, 20_000, 1_000_000])
def test_an_interrupted_folder_goes_on_and_skips_what_is_finished(
    bench: Bench, tree: Path, after: int
) -> None:
    stop_at(bench, tree, after=after)
    finished = set(bench.notes.outcomes)
    bench.notes.outcomes.clear()
    tally = run(bench, tree)
    assert stored(bench) == contents(tree)
    assert not finished & set(bench.notes.outcomes)
    assert tally.summary().skipped == len(finished)
    assert bench.server.stored_times == 132


def test_a_second_upload_of_a_finished_folder_is_a_new_one(bench: Bench, tree: Path) -> None:
    run(bench, tree)
    run(bench, tree)
    assert bench.server.stored_times == 264
    assert "to/tree/large_v2.bin" in bench.server.files


def test_replacing_makes_the_next_version(bench: Bench, tree: Path) -> None:
    run(bench, tree)
    run(bench, tree, on_conflict="replace")
    assert len(bench.server.files) == 132
    assert bench.server.files["to/tree/large.bin"].version == 2


def test_skipping_the_same_sends_only_what_differs(bench: Bench, tree: Path) -> None:
    run(bench, tree)
    sent = bench.server.body_bytes
    (tree / "d1" / "1.txt").write_bytes(b"other")
    (tree / "large.bin").write_bytes(bytes(LARGE))
    tally = run(bench, tree, on_conflict="skip-same")
    assert bench.server.body_bytes == sent + 5 + LARGE
    assert tally.summary().skipped == 130
    assert bench.server.files["to/tree/d1/1_v2.txt"].content == b"other"


def test_files_that_fail_are_named_and_the_others_arrive(bench: Bench, tree: Path) -> None:
    bench.server.faults.refuse["to/tree/d2/2.txt"] = Forbidden("not this one")
    (tree / "d4" / "link").symlink_to(tree)
    (tree / "d5" / "locked").write_bytes(b"x")
    (tree / "bad\udcff").write_bytes(b"y")
    tally = run(bench, tree)
    errors = {os.path.basename(path): error for path, error in bench.notes.errors.items()}
    assert isinstance(errors["2.txt"], Forbidden)
    assert isinstance(errors["bad\udcff"], BadName)
    assert len(tally.errors) == 2
    assert len(bench.server.files) == 132
    assert any("link" in note for note in bench.notes.notes)
    bench.server.faults.refuse.clear()
    os.unlink(tree / "bad\udcff")
    again = run(bench, tree)
    assert again.errors == []
    assert again.summary().skipped == 132
    assert len(bench.server.files) == 133
    assert bench.state.jobs(bench.line.server.name) == []


def test_what_the_server_cannot_store_now_is_sent_again(bench: Bench, tree: Path) -> None:
    class Once(dict[str, FileshareError]):
        def get(self, key: str, default: object = None) -> FileshareError | None:  # type: ignore[override]
            return self.pop(key, None)

    bench.server.faults.refuse = Once({"to/tree/d2/2.txt": Unavailable()})
    tally = run(bench, tree)
    assert tally.errors == []
    assert stored(bench) == contents(tree)
    assert bench.server.stored_times == 132
    assert tally.summary().files == len(bench.notes.outcomes) == 132


def test_another_client_on_the_same_job_ends_this_one(bench: Bench, tree: Path) -> None:
    bench.server.faults.refuse_body_at[100_000] = Superseded()
    with pytest.raises(Superseded):
        run(bench, tree)
    assert len(bench.state.jobs(bench.line.server.name)) == 1


def test_a_file_that_changed_since_it_was_half_uploaded_begins_anew(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(os.urandom(3_000_000))
    stop_at(bench, path, after=1_000_000)
    (old,) = bench.server.halves
    path.write_bytes(b"new" * LARGE)
    run(bench, path)
    assert bench.server.files["to/file.bin"].content == b"new" * LARGE
    assert old not in bench.server.halves
    assert any("changed since" in note for note in bench.notes.notes)


def test_sources_that_are_done_leave_the_job_and_others_stay(bench: Bench, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(b"g")
    bad.write_bytes(b"b")
    bench.server.faults.refuse["to/bad"] = Forbidden()
    run(bench, good, bad)
    (job,) = bench.state.jobs(bench.line.server.name)
    assert isinstance(job, UploadJob)
    assert [source.target for source in job.sources] == ["to/bad"]


def test_a_source_of_several_is_taken_up_by_itself(bench: Bench, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(path.name.encode() * LARGE)
    first = works_for(bench, *paths)
    alone = works_for(bench, paths[1])
    assert [work.job.id for work in alone] == [first[0].job.id]
    mixed = works_for(bench, paths[0], tmp_path)
    assert mixed[0].job.id == first[0].job.id
    assert mixed[1].job.id != first[0].job.id


def test_a_job_of_another_account_or_way_is_left_alone(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    first = works_for(bench, path)
    other = works_for(bench, path, on_conflict="replace")
    assert first[0].job.id != other[0].job.id
    sources = [source_of(str(path), "to", None)]
    ben = UploadOrder(server=bench.line.server.name, account="ben", on_conflict="keep-both")
    assert assign(bench.state, ben, sources)[0].job.id != first[0].job.id


def test_a_rehearsal_keeps_nothing(bench: Bench, tree: Path) -> None:
    found = list(rehearsal(bench.state, order(bench), [source_of(str(tree), "", None)]))
    assert len(found) > 132
    assert bench.state.jobs(bench.line.server.name) == []


def test_what_is_no_file_or_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing"):
        source_of(str(tmp_path / "nothing"), "", None)
    with pytest.raises(BadRequest, match="--name"):
        source_of("/", "", None)
    with pytest.raises(BadName):
        source_of(str(tmp_path), "../up", None)
    with pytest.raises(BadName):
        source_of(str(tmp_path), "", "a/../b")


def test_a_source_that_vanishes_is_named(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    works = works_for(bench, path)
    path.unlink()
    tally = Tally("upload", bench.notes)
    UploadRun(works, bench.lines, Rate(), tally, Digests(bench.state.folder)).run()
    assert isinstance(tally.errors[0], NotFound)


def test_frames_of_long_names_stay_within_the_limit(bench: Bench, tmp_path: Path) -> None:
    root = tmp_path / "names"
    root.mkdir()
    for number in range(100):
        (root / (f"{number:03}" + "\u00e9" * 100 + '"' * 50)).write_bytes(b"x")
    run(bench, root)
    assert len(bench.server.files) == 100
    puts = [request for request in bench.server.requests if isinstance(request, m.Put)]
    assert len(puts) > 1


def test_small_files_of_one_folder_go_out_under_ids_that_begin_alike(bench: Bench, small_tree: Path) -> None:
    run(bench, small_tree)
    sent = [file for request in bench.server.requests if isinstance(request, m.Put) for file in request.files]
    folders = {file.path.rpartition("/")[0] for file in sent}
    assert len(sent) > len(folders)
    assert len({file.upload_id[:12] for file in sent}) == len(folders)
    assert len({file.upload_id[:6] for file in sent}) == 1


def test_an_upload_that_was_half_done_by_the_same_job_goes_on(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(os.urandom(3_000_000))
    (work,) = works_for(bench, path)
    (planned,) = work.planned()
    upload_id = planned.upload_id(planned.found)  # type: ignore[arg-type]
    bench.server.halves[upload_id] = Half(
        "to/file.bin", "keep-both", 3_000_000, bytearray(path.read_bytes()[:2_000_000])
    )
    tally = run(bench, path)
    assert tally.summary().moved == 1_000_000
    assert bench.notes.outcomes["to/file.bin"].resumed_from == 2_000_000


def test_content_that_the_server_has_is_proved_and_not_sent(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "big.bin"
    path.write_bytes(os.urandom(2_000_000))
    os.utime(path, (1_000, 1_000))
    digests = Digests(bench.state.folder)
    digests.keep(str(path), path.stat(), "0" * 64)
    assert digests.of(str(path)) is None  # just written: another change may hide behind it
    digests._known = {_key(path.stat()): hashlib.sha256(path.read_bytes()).digest()}
    run(bench, path)
    assert bench.server.body_bytes == 2_000_000
    bench.notes.count = 0
    tally = Tally("upload", bench.notes)
    copy = tmp_path / "copies"
    copy.mkdir()
    os.link(path, copy / "big.bin")
    digests._known = {_key(path.stat()): hashlib.sha256(path.read_bytes()).digest()}
    UploadRun(works_for(bench, copy), bench.lines, Rate(), tally, digests).run()
    assert bench.server.body_bytes == 2_000_000
    assert bench.server.files["to/copies/big.bin"].content == path.read_bytes()
    assert tally.summary().moved == 0


@pytest.mark.parametrize("digest", ["1" * 64, None], ids=["wrong", "refused"])
def test_a_digest_that_can_not_be_proved_costs_only_the_question(
    bench: Bench, tmp_path: Path, digest: str | None
) -> None:
    path = tmp_path / "big.bin"
    path.write_bytes(os.urandom(2_000_000))
    digests = Digests(bench.state.folder)
    known = bytes.fromhex(digest) if digest else hashlib.sha256(path.read_bytes()).digest()
    digests._known = {_key(path.stat()): known}
    bench.server.faults.refuse["PROVE"] = Forbidden()
    tally = Tally("upload", bench.notes)
    UploadRun(works_for(bench, path), bench.lines, Rate(), tally, digests).run()
    assert tally.errors == []
    assert bench.server.files["to/big.bin"].content == path.read_bytes()
