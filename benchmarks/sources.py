"""The files that are moved: made once, marked anew for each run, compared after each download.

No run may move bytes that a server has seen before: a peer that skips known content would be measured doing
nothing.
"""

import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.plan import Content, Load

_BLOCK = 1 << 20
_MARK_BYTES = 8


class WrongContent(Exception):
    """A peer reported success, and what it delivered is not what it was given."""


def make(folder: Path, load: Load) -> dict[Content, Path]:
    """Write the large file and the trees that the load asks for, all random; return where each is."""
    folder.mkdir(parents=True)
    wanted = {work.content for work in load.works()}
    made = {content: folder / content for content in Content if content in wanted}
    if Content.LARGE in made:
        _write_large(made[Content.LARGE], load.size)
    if Content.SMALL in made:
        _write_tree(made[Content.SMALL], load.files, load.file_size, load.folders)
    if Content.MEDIUM in made:
        _write_tree(made[Content.MEDIUM], load.many, load.many_size, 1)
    return made


def _write_large(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, _BLOCK):
            file.write(os.urandom(min(_BLOCK, size - start)))


def _write_tree(top: Path, files: int, size: int, folders: int) -> None:
    for number in range(files):
        path = top / f"folder-{number % folders:03}" / f"file-{number:06}.bin"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(os.urandom(size))


def mark(path: Path, number: int) -> None:
    """Write the number over the first bytes of the file, or of every file of the tree: new digests."""
    content = number.to_bytes(_MARK_BYTES, "little")
    for file in files(path):
        with file.open("r+b", buffering=0) as opened:
            opened.write(content[: file.stat().st_size])


def files(path: Path) -> Iterator[Path]:
    """Yield the file itself, or every file of a tree in order."""
    if path.is_file():
        yield path
    else:
        yield from sorted(file for file in path.rglob("*") if file.is_file())


def touch_cache(path: Path, changed_since: float = 0.0) -> None:
    """Read whatever has changed since then (seconds since 1970), so that no run waits for the disk."""
    buffer = bytearray(_BLOCK)
    for file in files(path):
        if file.stat().st_ctime >= changed_since:
            with file.open("rb", buffering=0) as opened:
                while opened.readinto(buffer):
                    pass


def compare(source: Path, delivered: Path) -> None:
    """Raise WrongContent unless both hold the same names and bytes."""
    if source.is_file():
        _compare_file(source, delivered)
        return
    names = [file.relative_to(source) for file in files(source)]
    if names != [file.relative_to(delivered) for file in files(delivered)]:
        raise WrongContent(f"{delivered.name} does not hold the names that were sent")
    for name in names:
        _compare_file(source / name, delivered / name)


def sync(folder: Path) -> float:
    """Bring the whole file system of the folder to disk; return the seconds that took."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        started = time.perf_counter()
        if libc.syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")
        return time.perf_counter() - started
    finally:
        os.close(descriptor)


def _compare_file(source: Path, delivered: Path) -> None:
    with source.open("rb") as left, delivered.open("rb") as right:
        while block := left.read(_BLOCK):
            if block != right.read(_BLOCK):
                raise WrongContent(f"{delivered.name} differs from what was sent")
        if right.read(1):
            raise WrongContent(f"{delivered.name} is longer than what was sent")
