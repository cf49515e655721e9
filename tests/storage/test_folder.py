"""The data folder, its lock, and the bytes that are set aside in it."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fileshare.errors import StorageFailed, Unavailable
from fileshare.storage.folder import DataFolder
from fileshare.storage.reserve import DiskReserve


def test_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "new" / "data") as folder:
        made = [folder.path, *(folder.path / name for name in ("blobs", "uploads", "logs"))]
        assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}
        assert stat.S_IMODE((folder.path / "lock").stat().st_mode) == 0o600
        assert folder.database == folder.path / "fileshare.db"


def test_folder_that_is_there_keeps_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "kept").touch()
    tmp_path.chmod(0o755)
    for _ in range(2):
        with DataFolder(tmp_path) as folder:
            folder.open()
    assert (tmp_path / "blobs" / "kept").exists()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_second_server_on_one_folder_is_refused(tmp_path: Path) -> None:
    with DataFolder(tmp_path):
        with pytest.raises(Unavailable) as refused:
            DataFolder(tmp_path).open()
        assert refused.value.message == f"Another fileshare server uses {tmp_path}: stop it first."
    with DataFolder(tmp_path):
        pass


HOLD = """
import sys, time
from pathlib import Path
from fileshare.storage.folder import DataFolder
DataFolder(Path(sys.argv[1])).open()
print("held", flush=True)
time.sleep(60)
"""


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Unavailable):
            DataFolder(tmp_path).open()
        process.send_signal(signal.SIGKILL)
        process.wait()
    with DataFolder(tmp_path):
        pass


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StorageFailed):
        DataFolder(tmp_path / "data").open()


def allocated(path: Path) -> int:
    return path.stat().st_blocks * 512


async def test_reserve_is_spent_once_and_filled_again(tmp_path: Path) -> None:
    reserve = DiskReserve(tmp_path, 1 << 20)
    assert await reserve.spend() is False
    for _ in range(2):
        await reserve.refill()
        await reserve.refill()
        assert allocated(tmp_path / "reserve") >= 1 << 20
        assert await reserve.spend() is True
        assert await reserve.spend() is False
    await reserve.close()


async def test_reserve_is_not_taken_from_a_disk_without_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    reserve = DiskReserve(tmp_path, free)
    await reserve.refill()
    assert await reserve.spend() is False

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    small = DiskReserve(tmp_path, 4096)
    await small.refill()
    assert await small.spend() is False
    await reserve.close()
    await small.close()
