import os
import re
from pathlib import Path

import msgspec
import pytest

from fileshare.client.state import (
    BY_FOLDER,
    SCATTERED,
    DownloadJob,
    Identity,
    Job,
    Journal,
    PartRecord,
    State,
    UploadJob,
    UploadSource,
    new_id,
    upload_id,
)


def upload_job(number: int = 1, server: str = "nas:9000") -> UploadJob:
    return UploadJob(
        id=f"{number:032x}",
        server=server,
        account="anna",
        sources=(UploadSource(path="/a/b", target="b", identity=Identity(1, 2, 3, 4)),),
        on_conflict="keep-both",
        created=float(number),
    )


def job_with_id(job_id: str, ids: int) -> UploadJob:
    return UploadJob(id=job_id, server="s", account="a", sources=(), on_conflict="keep-both", ids=ids)


def download_job() -> DownloadJob:
    return DownloadJob(
        id=new_id(),
        server="nas:9000",
        account="anna",
        paths=("x",),
        output="/o",
        into_folder=True,
        created=9.0,
    )


def part(path: Path) -> PartRecord:
    return PartRecord(
        server="nas:9000",
        path="x",
        version=1,
        digest="0" * 64,
        size=10,
        modified=0.0,
        part=str(path),
        target="x",
    )


def test_jobs_come_back_as_they_were_saved(state: State) -> None:
    jobs: list[Job] = [upload_job(2), upload_job(1), download_job()]
    for job in jobs:
        state.save_job(job)
    assert state.jobs("nas:9000") == [jobs[1], jobs[0], jobs[2]]
    assert state.jobs("other:9000") == []


def test_a_dropped_job_is_gone_with_its_journal(state: State) -> None:
    job = upload_job()
    state.save_job(job)
    journal = state.journal(job)
    journal.add("ab" * 16)
    journal.close()
    state.drop_job(job)
    state.drop_job(job)
    assert state.jobs("nas:9000") == []
    assert len(state.journal(job)) == 0


@pytest.mark.parametrize("damage", [b"", b"{", b'{"kind": "upload"}', b'{"kind": "new"}', b"\xff"])
def test_what_cannot_be_read_is_left_alone(state: State, damage: bytes) -> None:
    state.save_job(upload_job())
    strange = Path(state.folder, "jobs", "strange.json")
    strange.write_bytes(damage)
    assert len(state.jobs("nas:9000")) == 1
    assert strange.read_bytes() == damage


def test_a_record_of_a_newer_client_is_left_alone(state: State) -> None:
    job = upload_job()
    state.save_job(job)
    path = Path(state.folder, "jobs", f"{job.id}.json")
    path.write_bytes(path.read_bytes().replace(b'"v":1', b'"v":2'))
    assert state.jobs("nas:9000") == []
    assert path.exists()


def test_parts_are_known_by_their_path(state: State, tmp_path: Path) -> None:
    state.save_part(part(tmp_path / "x.part"))
    found = state.part(str(tmp_path / "x.part"))
    assert found is not None
    assert found.digest == "0" * 64
    assert state.part(str(tmp_path / "y.part")) is None
    state.drop_part(str(tmp_path / "x.part"))
    assert state.part(str(tmp_path / "x.part")) is None


def test_a_journal_remembers_across_runs(tmp_path: Path) -> None:
    path = str(tmp_path / "j" / "x.done")
    first = Journal(path)
    first.add("11" * 16)
    first.add("22" * 16)
    first.add("11" * 16)
    first.close()
    second = Journal(path)
    assert "11" * 16 in second
    assert "33" * 16 not in second
    assert os.path.getsize(path) == 32


def test_a_torn_end_of_a_journal_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.done"
    path.write_bytes(b"\x11" * 16 + b"\x22" * 7)
    journal = Journal(str(path))
    assert "11" * 16 in journal
    assert "22" * 16 not in journal
    journal.add("33" * 16)
    journal.close()
    assert "33" * 16 in Journal(str(path))


def test_two_clients_on_one_journal_keep_both_their_marks(tmp_path: Path) -> None:
    path = str(tmp_path / "x.done")
    one, two = Journal(path), Journal(path)
    for number in range(50):
        one.add(f"{number:032x}")
        one.flush()
        two.add(f"{number + 1000:032x}")
        two.flush()
    one.close()
    two.close()
    assert len(Journal(path)) == 100


@pytest.mark.parametrize("ids", [SCATTERED, BY_FOLDER])
def test_an_upload_id_is_of_one_content_of_one_file_in_one_job(ids: int) -> None:
    job, identity = job_with_id("job", ids), Identity(1, 2, 3, 4)
    other = job_with_id("other", ids)
    made = {
        upload_id(job, "/a", "x", identity),
        upload_id(other, "/a", "x", identity),
        upload_id(job, "/b", "x", identity),
        upload_id(job, "/a", "y", identity),
        upload_id(job, "/a", "x/y", identity),
        upload_id(job, "/a", "x", Identity(1, 2, 3, 5)),
        upload_id(job, "/a", "x", Identity(1, 2, 9, 4)),
        upload_id(job, "/a", "x", Identity(1, 7, 3, 4)),
    }
    assert len(made) == 8
    assert upload_id(job, "/a", "x", identity) in made
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


def test_ids_of_one_folder_begin_alike() -> None:
    job = job_with_id("job", BY_FOLDER)
    here = {upload_id(job, "/a", f"x/{number}", Identity(1, number, 3, 4))[:12] for number in range(100)}
    there = upload_id(job, "/a", "z/1", Identity(1, 1, 3, 4))
    assert len(here) == 1
    assert there[:6] in here.pop()


def test_a_job_that_an_earlier_client_began_keeps_its_ids() -> None:
    raw = b'{"kind":"upload","id":"job","server":"s","account":"a","sources":[],"on_conflict":"keep","v":1}'
    job = msgspec.json.decode(raw, type=UploadJob)
    assert upload_id(job, "/a", "x", Identity(1, 2, 3, 4)) == "11a892725d68e648017b48ec398b9bbf"


def test_names_in_no_encoding_still_get_an_id() -> None:
    job = job_with_id("job", BY_FOLDER)
    assert len(upload_id(job, "/a", "bad\udcff/bad\udcff", Identity(1, 2, 3, 4))) == 32
