"""A disk that loses its power: ext4 in a file, mounted by a loop device, stopped without a flush.

EXT4_IOC_SHUTDOWN with NOLOGFLUSH is what a power cut leaves: whatever was not synced by then
is gone, and the journal ends wherever it was. Needs root and a kernel that has loop devices.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32)."""

NO_LOG_FLUSH = struct.pack("I", 2)
MIB = 1 << 20


@dataclass(frozen=True)
class Disk:
    """A mounted disk."""

    image: Path
    place: Path

    def cut(self) -> None:
        """The power goes: nothing more reaches the disk."""
        fd = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(fd)

    def sync(self) -> None:
        """What was written until now survives every cut."""
        _run("sync", "-f", self.place)

    def mount(self) -> None:
        """Power on."""
        _run("mount", "-o", "loop", self.image, self.place)

    def unmount(self) -> None:
        """Take it off, cut or whole."""
        _run("umount", self.place)

    def remount(self) -> None:
        """After a cut: what the kernel still held in memory is gone."""
        self.unmount()
        self.mount()


class NoDisk(Exception):
    """Here no such disk can be made; the text says why."""


@contextmanager
def disk(folder: Path, size: int = 128 * MIB) -> Iterator[Disk]:
    """A disk, mounted, taken off in the end. Raises NoDisk."""
    if os.geteuid() or not shutil.which("mkfs.ext4"):
        raise NoDisk("a disk can be cut off only by root, and with mkfs.ext4")
    made = Disk(folder / "disk.img", folder / "disk")
    made.place.mkdir()
    with made.image.open("wb") as image:
        image.truncate(size)
    try:
        _run("mkfs.ext4", "-q", "-F", made.image)
        made.mount()
    except OSError as error:
        raise NoDisk(str(error)) from error
    try:
        yield made
    finally:
        made.unmount()


def _run(*words: str | Path) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{words[0]}: {done.stderr.strip()}")
