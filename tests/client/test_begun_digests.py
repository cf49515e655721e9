"""Hashing of large local files that is put aside, and gone on with by another run."""

import hashlib
import os
import random
import time
from pathlib import Path

import pytest

from fileshare.client import begun_digests as module
from fileshare.client.begun_digests import BegunDigest, BegunDigests
from fileshare.client.sources import FileSource
from fileshare.client.state import Identity
from fileshare.sha256 import sha256

CONTENT = random.Random(3).randbytes(3_500_000)
WHOLE = hashlib.sha256(CONTENT).hexdigest()
STEP = 1_000_000
OLD = time.time() - 3600


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEP", STEP)


@pytest.fixture
def begun(tmp_path: Path) -> BegunDigests:
    return BegunDigests(str(tmp_path / "state"))


def made(tmp_path: Path, changed: float = OLD, content: bytes = CONTENT) -> str:
    path = tmp_path / "source"
    path.write_bytes(content)
    os.utime(path, (changed, changed))
    return str(path)


def identity_of(path: str) -> Identity:
    return Identity.of(os.stat(path))


def sent_until(path: str, begun: BegunDigests, stop: int) -> None:
    """A run that reads and hashes so much of the file and is then interrupted."""
    source = FileSource(path, begun=begun)
    offset = 0
    while offset < stop:
        offset += len(source.read(offset, min(300_000, stop - offset)))
    source.close()


@pytest.mark.parametrize("server_has", [2_500_000, 2_400_000, 0, 3_000_000, len(CONTENT)])
def test_a_later_run_has_the_right_digest_wherever_the_server_goes_on(
    tmp_path: Path, begun: BegunDigests, server_has: int
) -> None:
    path = made(tmp_path)
    sent_until(path, begun, 2_500_000)
    source = FileSource(path, begun=begun)
    found = b""
    while data := source.read(server_has + len(found), 1 << 20):
        found += data
    assert found == CONTENT[server_has:]
    assert source.digest() == WHOLE
    source.close()


def test_what_was_hashed_is_not_read_again(tmp_path: Path, begun: BegunDigests) -> None:
    path = made(tmp_path)
    sent_until(path, begun, 2_500_000)
    told: list[int] = []
    source = FileSource(path, told=lambda count, _: told.append(count), begun=begun)
    source.read(2_800_000, 1 << 20)
    source.digest()
    assert min(told) > 2_500_000
    source.close()


def test_a_kill_costs_a_step_of_hashing_and_no_more(tmp_path: Path, begun: BegunDigests) -> None:
    path = made(tmp_path)
    source = FileSource(path, begun=begun)
    offset = 0
    while offset < 2_500_000:
        offset += len(source.read(offset, 300_000))
    # no close: the process is gone
    found = begun.of(identity_of(path))
    assert found is not None
    assert 2_500_000 - STEP <= found[1] <= offset
    source.close()


def test_another_content_under_that_name_is_hashed_anew(tmp_path: Path, begun: BegunDigests) -> None:
    path = made(tmp_path)
    sent_until(path, begun, 2_500_000)
    other = CONTENT[::-1]
    Path(path).write_bytes(other)
    source = FileSource(path, begun=begun)
    source.read(3_000_000, 1000)
    assert source.digest() == hashlib.sha256(other).hexdigest()
    source.close()


def test_a_content_that_has_just_changed_is_not_kept(tmp_path: Path, begun: BegunDigests) -> None:
    path = made(tmp_path, changed=time.time())
    sent_until(path, begun, 2_500_000)
    assert begun.of(identity_of(path)) is None


def test_a_damaged_record_costs_a_second_pass(tmp_path: Path, begun: BegunDigests) -> None:
    path = made(tmp_path)
    sent_until(path, begun, 2_500_000)
    (record,) = (tmp_path / "state" / "hashing").iterdir()
    record.write_bytes(record.read_bytes()[:-3] + b"???")
    source = FileSource(path, begun=begun)
    source.read(2_500_000, 1000)
    assert source.digest() == WHOLE
    source.close()


def test_small_files_leave_no_record(tmp_path: Path, begun: BegunDigests) -> None:
    path = made(tmp_path, content=b"x" * STEP)
    sent_until(path, begun, STEP)
    assert not (tmp_path / "state").exists()


def test_a_folder_that_can_not_be_written_is_no_failure(tmp_path: Path, begun: BegunDigests) -> None:
    (tmp_path / "state").write_text("in the way")
    path = made(tmp_path)
    sent_until(path, begun, 2_500_000)
    assert begun.of(identity_of(path)) is None


def test_an_upload_that_is_over_leaves_no_record_and_old_ones_go_with_it(
    tmp_path: Path, begun: BegunDigests
) -> None:
    path = made(tmp_path)
    sent_until(path, begun, 2_500_000)
    folder = tmp_path / "state" / "hashing"
    for name, days in (("forgotten", 31), ("recent", 29)):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (time.time() - days * 86_400,) * 2)
    begun.drop(identity_of(path))
    assert [left.name for left in folder.iterdir()] == ["recent"]


def test_records_are_private(tmp_path: Path, begun: BegunDigests) -> None:
    path = made(tmp_path)
    sent_until(path, begun, 2_500_000)
    (record,) = (tmp_path / "state" / "hashing").iterdir()
    assert record.stat().st_mode & 0o777 == 0o600


def test_where_the_library_can_not_put_a_digest_aside_there_is_none(
    tmp_path: Path, begun: BegunDigests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.sha256._library", lambda: None)
    path = made(tmp_path)
    sent_until(path, begun, 2_500_000)
    assert begun.of(identity_of(path)) is None


def test_without_a_place_the_digest_is_as_good() -> None:
    digest = BegunDigest(Identity(1, 2, 3, 4), None)
    digest.update(b"abc")
    assert (digest.hashed, digest.hexdigest()) == (3, sha256_of(b"abc"))


def sha256_of(data: bytes) -> str:
    digest = sha256()
    digest.update(data)
    return digest.hexdigest()
