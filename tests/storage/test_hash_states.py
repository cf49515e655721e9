"""Hashing that is put aside with a checkpoint, and gone on with by the next process."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from fileshare.domain.model import Upload
from fileshare.sha256 import sha256
from fileshare.storage.disk import DiskBlobs
from fileshare.storage.parts import DiskPart
from tests.storage.builders import BOOT, an_upload, digest_of
from tests.storage.streams import Pieces

FIRST, REST = bytes(range(256)) * 12_289, b"and the rest" * 100_000
WHOLE = digest_of(FIRST + REST)


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[DiskBlobs]:
    opened = DiskBlobs(tmp_path, BOOT)
    await opened.open()
    yield opened
    await opened.close()


async def interrupted(disk: DiskBlobs) -> Upload:
    """An upload of which `FIRST` was received, at a checkpoint with what it had hashed."""
    upload = an_upload(device=disk.device)
    part = await disk.create(upload.id)
    await part.receive(Pieces(FIRST), len(FIRST))
    offset = await part.sync()
    state = part.hash_state
    await part.close()
    assert offset == len(FIRST)
    assert state is not None
    return replace(upload, offset=offset, hash_state=state)


async def finished(part: DiskPart, promised: str | None) -> str:
    await part.receive(Pieces(REST), len(REST))
    digest = await part.digest(promised)
    await part.close()
    return digest


class Reads:
    """How much of files is read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bytes = 0
        real = os.pread

        def pread(fd: int, count: int, offset: int) -> bytes:
            data = real(fd, count, offset)
            self.bytes += len(data)
            return data

        monkeypatch.setattr(os, "pread", pread)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


async def test_a_restart_goes_on_hashing_without_reading_what_was_hashed(
    disk: DiskBlobs, reads: Reads
) -> None:
    upload = await interrupted(disk)
    assert await finished(await disk.reopen(upload), WHOLE) == WHOLE
    assert reads.bytes == 0


async def test_bytes_past_the_checkpoint_are_hashed_from_the_file(disk: DiskBlobs, reads: Reads) -> None:
    upload = await interrupted(disk)
    part = await disk.reopen(upload)
    await part.receive(Pieces(REST), len(REST))
    await part.close()  # killed before the next checkpoint
    again = await disk.reopen(upload)
    assert again.offset == len(FIRST + REST)
    assert await again.digest(WHOLE) == WHOLE
    assert reads.bytes == len(REST)
    await again.close()


async def test_a_state_of_more_than_the_file_holds_is_not_gone_on_with(
    disk: DiskBlobs, tmp_path: Path
) -> None:
    upload = await interrupted(disk)
    os.truncate(tmp_path / "uploads" / f"{upload.id}.part", 1000)
    part = await disk.reopen(upload)
    assert part.offset == 1000
    await part.receive(Pieces(FIRST[1000:]), len(FIRST))
    assert await finished(part, WHOLE) == WHOLE


@pytest.mark.parametrize("promised", [WHOLE, None])
async def test_a_wrong_state_rejects_no_upload_and_names_none(
    disk: DiskBlobs, promised: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = sha256()
    wrong.update(b"other bytes than those in the file")
    upload = replace(await interrupted(disk), hash_state=wrong.save())
    assert await finished(await disk.reopen(upload), promised) == WHOLE
    assert "made anew" in caplog.text


async def test_a_digest_that_nobody_promised_rests_on_the_bytes_alone(disk: DiskBlobs, reads: Reads) -> None:
    upload = await interrupted(disk)
    assert await finished(await disk.reopen(upload), None) == WHOLE
    assert reads.bytes == len(FIRST + REST)


async def test_wrong_bytes_are_still_found_wrong(disk: DiskBlobs, tmp_path: Path) -> None:
    """A state says what was hashed, and the promise is about that; what differs is told."""
    upload = await interrupted(disk)
    part = await disk.reopen(upload)
    assert await finished(part, digest_of(b"something else")) == WHOLE


async def test_noise_for_a_state_costs_only_the_hashing(disk: DiskBlobs, reads: Reads) -> None:
    upload = replace(await interrupted(disk), hash_state=b"noise" * 30)
    part = await disk.reopen(upload)
    assert part.hash_state is None
    assert await finished(part, WHOLE) == WHOLE
    assert reads.bytes >= len(FIRST)


async def test_no_state_is_of_bytes_that_are_not_durable(
    disk: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await interrupted(disk)
    part = await disk.reopen(upload)
    await part.receive(Pieces(REST), len(REST))
    assert part.hash_state == upload.hash_state
    await part.sync()
    assert part.hash_state != upload.hash_state
    await part.close()
