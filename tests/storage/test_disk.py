"""What only the disk can do to parts and blobs: fill up, fail, and come back from a kill."""

import asyncio
import errno
import os
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fileshare.errors import Conflict, Damaged, NoSpace, StorageFailed
from fileshare.services.ports import Content
from fileshare.storage import growing_digest as digest_module
from fileshare.storage.disk import DiskBlobs
from fileshare.storage.parts import DiskPart
from tests.storage.builders import BOOT, an_upload, digest_of, new_id
from tests.storage.streams import Pieces, Sunk

BIG = bytes(range(256)) * 12_289


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[DiskBlobs]:
    opened = DiskBlobs(tmp_path, BOOT)
    await opened.open()
    yield opened
    await opened.close()


class Faults:
    """Lets chosen calls of `os` fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.calls = 0

    def fail(self, name: str, code: int, nth: int = 1) -> None:
        """The `nth` call of `os.<name>` from now on, and all after it, raise that error."""
        self.calls = 0
        real: Callable[..., Any] = getattr(os, name)

        def call(*args: Any) -> Any:
            self.calls += 1
            if self.calls >= nth:
                raise OSError(code, os.strerror(code))
            return real(*args)

        self._monkeypatch.setattr(os, name, call)

    def only_room_for(self, count: int) -> None:
        """Writes are short and then fail, as on a disk with `count` bytes left."""
        real, left = os.writev, [count]

        def writev(fd: int, views: list[memoryview]) -> int:
            if not left[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = b"".join(views)[: left[0]]
            left[0] -= len(data)
            return real(fd, [data])

        self._monkeypatch.setattr(os, "writev", writev)

    def mend(self) -> None:
        self._monkeypatch.undo()


@pytest.fixture
def faults() -> Iterator[Faults]:
    """Undone before other fixtures close what they opened."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Faults(monkeypatch)


def path_of(tmp_path: Path, part: DiskPart) -> Path:
    return tmp_path / "uploads" / f"{part.upload_id}.part"


class Bursts:
    """Gives pieces without ever waiting, but for a moment between two bursts."""

    def __init__(self, pieces: list[bytes], burst: int) -> None:
        self._pieces = pieces
        self._burst = burst
        self._given = 0

    async def read(self, limit: int) -> bytes:
        if self._given % self._burst == 0:
            await asyncio.sleep(0)
        self._given += 1
        return self._pieces[self._given - 1] if self._given <= len(self._pieces) else b""


@pytest.mark.parametrize("burst", [2, 3, 7, 50])
async def test_bytes_keep_their_order_however_reading_and_writing_interleave(
    disk: DiskBlobs, tmp_path: Path, burst: int
) -> None:
    pieces = [number.to_bytes(4, "big") * 100 for number in range(5000)]
    part = await disk.create(new_id())
    await part.receive(Bursts(pieces, burst), 1 << 30)
    assert path_of(tmp_path, part).read_bytes() == b"".join(pieces)
    assert await part.digest() == digest_of(b"".join(pieces))
    await part.close()


async def test_what_came_before_a_pause_is_in_the_file_during_it(disk: DiskBlobs, tmp_path: Path) -> None:
    """A kill of the process costs no byte that was received, also where the source then says nothing."""
    part = await disk.create(new_id())
    source = Pieces(*[b"x" * 1000] * 50, None)
    receiving = asyncio.create_task(part.receive(source, 1 << 20))
    await source.reached_gap.wait()
    async with asyncio.timeout(10):
        while path_of(tmp_path, part).stat().st_size < 50_000:
            await asyncio.sleep(0)
    source.close_gap.set()
    assert await receiving == 50_000
    await part.close()


@contextmanager
def synced() -> Iterator[list[str]]:
    """The names of the folders whose names are synced within."""
    real, found = os.fsync, list[str]()

    def fsync(fd: int) -> None:
        found.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        real(fd)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(os, "fsync", fsync)
        yield found


async def test_layout_is_for_the_owner_alone_and_names_are_ours(disk: DiskBlobs, tmp_path: Path) -> None:
    part = await disk.create(new_id())
    await part.receive(Pieces(b"data"), 4)
    assert mode(path_of(tmp_path, part)) == 0o600
    await part.close()
    await disk.publish(part.upload_id, digest_of(b"data"))
    digest = digest_of(b"data")
    blob = tmp_path / "blobs" / digest[:2] / digest
    assert mode(blob) == 0o600
    assert {mode(folder) for folder in (blob.parent, blob.parent.parent, tmp_path / "uploads")} == {0o700}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "A" * 32, "0" * 31, "0" * 33, "0" * 31 + "/", "0" * 32 + "\n"]
)
async def test_no_other_text_becomes_a_path(disk: DiskBlobs, name: str) -> None:
    with pytest.raises(ValueError, match="hex digits"):
        await disk.create(name)
    with pytest.raises(ValueError, match="hex digits"):
        await disk.discard(name)
    with pytest.raises(ValueError, match="hex digits"):
        await disk.publish(new_id(), name * 2)
    with pytest.raises(ValueError, match="hex digits"):
        await disk.remove(name * 2)


async def test_a_symlink_in_the_place_of_a_part_is_not_followed(disk: DiskBlobs, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    upload = an_upload()
    (tmp_path / "uploads" / f"{upload.id}.part").symlink_to(victim)
    with pytest.raises(Conflict):
        await disk.create(upload.id)
    with pytest.raises(StorageFailed):
        await disk.reopen(upload)
    assert victim.read_bytes() == b"precious"


async def test_other_files_in_the_folders_are_not_ours(disk: DiskBlobs, tmp_path: Path) -> None:
    (tmp_path / "blobs" / ".gitkeep").touch()
    (tmp_path / "blobs" / "ab").mkdir()
    (tmp_path / "blobs" / "ab" / "notes.txt").touch()
    (tmp_path / "blobs" / "ab" / ("cd" * 32)).touch()
    (tmp_path / "uploads" / "notes.txt").touch()
    (tmp_path / "uploads" / "x.part").touch()
    assert await disk.digests() == []
    assert await disk.parts() == []


async def test_a_new_parts_name_is_synced_and_a_part_is_never_made_twice(disk: DiskBlobs) -> None:
    with synced() as folders:
        part = await disk.create(new_id())
    assert folders == ["uploads"]
    with pytest.raises(Conflict):
        await disk.create(part.upload_id)
    await part.close()


async def test_publish_syncs_every_name_that_changed(disk: DiskBlobs) -> None:
    """Also where nothing is renamed: the process that did may have been killed before it synced."""
    digest = digest_of(b"")
    for already in (False, True):
        part = await disk.create(new_id())
        await part.close()
        with synced() as folders:
            await disk.publish(part.upload_id, digest)
        assert folders == [digest[:2], "uploads", *([] if already else ["blobs"])]
    with synced() as folders:
        await disk.publish(new_id(), digest)
    assert folders == [digest[:2], "uploads"]


async def test_after_a_folder_could_not_be_synced_no_name_is_trusted(disk: DiskBlobs, faults: Faults) -> None:
    part = await disk.create(new_id())
    await part.close()
    faults.fail("fsync", errno.EIO)
    with pytest.raises(StorageFailed):
        await disk.publish(part.upload_id, digest_of(b""))
    faults.mend()
    with pytest.raises(StorageFailed):
        await disk.publish(part.upload_id, digest_of(b""))
    with pytest.raises(StorageFailed):
        await disk.create(new_id())


async def test_a_short_write_on_a_full_disk_keeps_and_counts_what_was_written(
    disk: DiskBlobs, faults: Faults, tmp_path: Path
) -> None:
    part = await disk.create(new_id())
    faults.only_room_for(1_500_001)
    with pytest.raises(NoSpace):
        await part.receive(Pieces(BIG), len(BIG))
    assert part.offset == 1_500_001
    faults.mend()
    assert await part.sync() == 1_500_001
    assert await part.digest() == digest_of(BIG[:1_500_001])
    assert path_of(tmp_path, part).read_bytes() == BIG[:1_500_001]
    await part.close()


async def test_after_a_full_disk_a_part_takes_bytes_again_only_when_reopened(
    disk: DiskBlobs, faults: Faults
) -> None:
    """What the source gave in between is lost: going on would leave a hole."""
    upload = an_upload(device=disk.device)
    part = await disk.create(upload.id)
    faults.only_room_for(3)
    with pytest.raises(NoSpace):
        await part.receive(Pieces(b"abcdef"), 6)
    faults.mend()
    with pytest.raises(NoSpace):
        await part.receive(Pieces(b"xyz"), 3)
    await part.close()
    again = await disk.reopen(upload)
    assert again.offset == 3
    await again.receive(Pieces(b"def"), 3)
    assert await again.digest() == digest_of(b"abcdef")
    await again.close()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
async def test_quota_and_file_size_limits_are_a_full_disk(disk: DiskBlobs, faults: Faults, code: int) -> None:
    part = await disk.create(new_id())
    faults.fail("writev", code)
    with pytest.raises(NoSpace):
        await part.receive(Pieces(b"abc"), 3)
    faults.mend()
    assert await part.sync() == 0
    await part.close()


async def test_a_failed_write_poisons_and_cuts_back_to_the_last_sync(
    disk: DiskBlobs, faults: Faults, tmp_path: Path
) -> None:
    part = await disk.create(new_id())
    await part.receive(Pieces(b"durable"), 7)
    await part.sync()
    await part.receive(Pieces(b" and not"), 8)
    faults.fail("writev", errno.EIO)
    with pytest.raises(StorageFailed):
        await part.receive(Pieces(b"more"), 4)
    faults.mend()
    await assert_poisoned(part)
    await part.close()
    assert path_of(tmp_path, part).read_bytes() == b"durable"


@pytest.mark.parametrize(("code", "error"), [(errno.EIO, StorageFailed), (errno.ENOSPC, NoSpace)])
async def test_a_failed_sync_poisons_and_is_never_tried_again(
    disk: DiskBlobs, faults: Faults, tmp_path: Path, code: int, error: type[Exception]
) -> None:
    part = await disk.create(new_id())
    await part.receive(Pieces(b"durable"), 7)
    assert await part.sync() == 7
    await part.receive(Pieces(b" and not"), 8)
    faults.fail("fdatasync", code)
    with pytest.raises(error):
        await part.sync()
    assert faults.calls == 1
    faults.mend()
    for call in (part.sync, part.digest, lambda: part.read(1), lambda: part.receive(Pieces(b"x"), 1)):
        with pytest.raises(error):
            await call()
    await part.close()
    assert path_of(tmp_path, part).read_bytes() == b"durable"


async def assert_poisoned(part: DiskPart) -> None:
    for call in (part.sync, part.digest, lambda: part.read(1), lambda: part.receive(Pieces(b"x"), 1)):
        with pytest.raises(StorageFailed):
            await call()


async def test_a_poisoned_part_is_reopened_at_its_row_though_the_boot_is_the_same(
    disk: DiskBlobs, faults: Faults, tmp_path: Path
) -> None:
    upload = an_upload(offset=7, device=disk.device)
    part = await disk.create(upload.id)
    await part.receive(Pieces(b"durable"), 7)
    await part.sync()
    await part.receive(Pieces(b" and not"), 8)
    faults.fail("fdatasync", errno.EIO)
    with pytest.raises(StorageFailed):
        await part.sync()
    faults.mend()
    path_of(tmp_path, part).write_bytes(b"durable and not")  # as if cutting back had failed too
    await part.close()
    again = await disk.reopen(upload)
    assert again.offset == 7
    await again.close()
    assert path_of(tmp_path, part).read_bytes() == b"durable"


async def test_a_sync_that_fails_when_reopening_is_not_believed_the_next_time(
    disk: DiskBlobs, faults: Faults
) -> None:
    upload = an_upload(offset=3, device=disk.device)
    part = await disk.create(upload.id)
    await part.receive(Pieces(b"abcdef"), 6)
    await part.close()
    faults.fail("fsync", errno.EIO)
    with pytest.raises(StorageFailed):
        await disk.reopen(upload)
    faults.mend()
    again = await disk.reopen(upload)
    assert again.offset == 3
    await again.close()


async def test_a_sync_whose_caller_is_cancelled_still_poisons(disk: DiskBlobs, faults: Faults) -> None:
    """The kernel tells the error once: were it lost with its caller, the next sync would lie."""
    part = await disk.create(new_id())
    await part.receive(Pieces(b"abc"), 3)
    faults.fail("fdatasync", errno.EIO)
    syncing = asyncio.create_task(part.sync())
    await asyncio.sleep(0)
    syncing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await syncing
    with pytest.raises(StorageFailed):
        await part.sync()
    await part.close()
    assert faults.calls == 1


async def test_syncs_at_once_are_one_when_the_first_covers_all(disk: DiskBlobs, faults: Faults) -> None:
    part = await disk.create(new_id())
    await part.receive(Pieces(b"abc"), 3)
    faults.fail("fdatasync", errno.EIO, nth=2)
    assert await asyncio.gather(*(part.sync() for _ in range(3))) == [3, 3, 3]
    assert faults.calls == 1
    await part.close()


async def test_a_resume_takes_bytes_at_once_while_its_beginning_is_hashed(
    disk: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_module, "CATCH_UP", 1000)
    monkeypatch.setattr(digest_module, "SLICE", 300)
    data = BIG[:100_000]
    upload = an_upload(device=disk.device)
    part = await disk.create(upload.id)
    await part.receive(Pieces(data), len(data))
    await part.close()
    again = await disk.reopen(upload)
    assert await again.receive(Pieces(*[b"more"] * 1000), 4000) == 4000
    assert await again.digest() == digest_of(data + b"more" * 1000)
    await again.close()


async def test_closing_amid_the_hashing_of_a_resumed_part_is_clean(
    disk: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_module, "CATCH_UP", 1)
    upload = an_upload(device=disk.device)
    part = await disk.create(upload.id)
    await part.receive(Pieces(BIG), len(BIG))
    await part.close()
    again = await disk.reopen(upload)
    await again.close()
    with pytest.raises(StorageFailed):
        await again.sync()


async def test_a_part_that_gets_shorter_under_us_is_noticed(disk: DiskBlobs, tmp_path: Path) -> None:
    upload = an_upload(device=disk.device)
    part = await disk.create(upload.id)
    await part.receive(Pieces(BIG), len(BIG))
    await part.close()
    again = await disk.reopen(upload)
    os.truncate(path_of(tmp_path, part), 5)
    with pytest.raises(StorageFailed):
        await again.digest()
    await again.close()


async def test_a_descriptor_is_not_leaked_when_opening_is_cancelled(disk: DiskBlobs) -> None:
    upload = an_upload(device=disk.device)
    await (await disk.create(upload.id)).close()
    before = open_files()
    for _ in range(5):
        opening = asyncio.create_task(disk.reopen(upload))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    await (await disk.reopen(upload)).close()
    while open_files() > before:
        await asyncio.sleep(0.001)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_blob_that_can_not_be_read_is_damaged(
    disk: DiskBlobs, tmp_path: Path, faults: Faults
) -> None:
    digest = digest_of(b"data")
    (tmp_path / "blobs" / digest[:2]).mkdir()
    (tmp_path / "blobs" / digest[:2] / digest).write_bytes(b"data")
    faults.fail("pread", errno.EIO)
    with pytest.raises(Damaged):
        await disk.rehash(Content(digest, 4))


async def test_a_file_is_sent_as_one_and_closed_when_the_sink_breaks(disk: DiskBlobs, tmp_path: Path) -> None:
    digest = digest_of(BIG)
    (tmp_path / "blobs" / digest[:2]).mkdir()
    (tmp_path / "blobs" / digest[:2] / digest).write_bytes(BIG)
    before = open_files()

    class Broken(Sunk):
        async def send_file(self, file: Any, offset: int, count: int) -> None:
            assert (os.fstat(file.fileno()).st_size, offset, count) == (len(BIG), 5, 100)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await disk.send(Content(digest, len(BIG)), 5, 105, Broken())
    assert open_files() == before


KILLED = """
import asyncio, os, sys
from pathlib import Path
from fileshare.storage.disk import DiskBlobs

class Endless:
    count = 0
    async def read(self, limit):
        await asyncio.sleep(0)
        data = b"%015d\\n" % self.count
        self.count += 1
        return data

async def main():
    disk = DiskBlobs(Path(sys.argv[1]))
    await disk.open()
    part = await disk.create(sys.argv[2])
    while True:
        await part.receive(Endless(), 16_000)
        os.write(1, b"%d\\n" % part.offset)

asyncio.run(main())
"""


async def test_what_was_received_survives_a_kill_of_the_process(tmp_path: Path) -> None:
    upload = an_upload()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, tmp_path, upload.id, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    told = [await process.stdout.readline() for _ in range(20)]
    process.kill()
    told += (await process.stdout.read()).splitlines()
    await process.wait()
    disk = DiskBlobs(tmp_path)
    await disk.open()
    part = await disk.reopen(an_upload(id=upload.id, boot_id=disk.boot_id, device=disk.device))
    assert part.offset >= int(told[-1])
    data = await part.read(part.offset)
    expected = b"".join(b"%015d\n" % number for number in range(1000))
    assert all(
        data[start : start + 16_000] == expected[: len(data) - start] for start in range(0, len(data), 16_000)
    )
    assert await part.digest() == digest_of(data)
    await part.close()
    await disk.close()


def kernels_boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def device_of(path: Path) -> int:
    return path.stat().st_dev


async def test_every_boot_has_an_id_and_the_folder_a_device(tmp_path: Path) -> None:
    disk = DiskBlobs(tmp_path)
    await disk.open()
    assert disk.boot_id == kernels_boot_id()
    assert disk.device == device_of(tmp_path)
    await disk.close()


def named(name: str, folder: Path) -> Path:
    (found,) = folder.rglob(name)
    return found


async def test_mark_of_a_damaged_blob_goes_with_right_bytes(disk: DiskBlobs, tmp_path: Path) -> None:
    """Whoever puts the right bytes back by hand runs `fileshare verify` once more."""
    data = bytes(range(256))
    digest = digest_of(data)
    part = await disk.create(new_id())
    await part.receive(Pieces(data), len(data))
    await part.close()
    await disk.publish(part.upload_id, digest)
    blob = named(digest, tmp_path)
    content = Content(digest, len(data))
    for written, there in ((data[::-1], False), (data, True)):
        with blob.open("r+b") as file:
            file.write(written)
        await disk.rehash(content)
        assert await disk.exists(digest, len(data)) == there
