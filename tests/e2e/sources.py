"""Files to move: no two pieces of one are alike, so a splice or a swap never goes unseen."""

import hashlib
import random
from pathlib import Path

BLOCK = 1 << 20


def content(size: int, seed: int = 0) -> bytes:
    """`size` bytes that follow from `seed`."""
    return random.Random(f"{seed}:{size}").randbytes(size)


def write_file(path: Path, size: int, seed: int = 0) -> str:
    """Write a file of `size` bytes and return its SHA-256; each MiB carries its own number."""
    block = bytearray(content(min(size, BLOCK), seed))
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for number in range(0, size, BLOCK):
            block[:8] = number.to_bytes(8, "big")[: len(block)]
            piece = memoryview(block)[: min(BLOCK, size - number)]
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def write_tree(folder: Path, folders: int, files: int, size: int, seed: int = 0) -> dict[str, str]:
    """`files` files of `size` bytes in `folders` folders; returns each one's digest by its relative path."""
    chance = random.Random(seed)
    found: dict[str, str] = {}
    for number in range(files):
        path = folder / f"folder{number % folders:03d}" / f"file{number:05d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = chance.randbytes(size)
        path.write_bytes(data)
        found[path.relative_to(folder).as_posix()] = hashlib.sha256(data).hexdigest()
    return found
