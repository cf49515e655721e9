"""A file of a test as a store would hand it to a sink."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from fileshare.storage.open_blob import OpenBlob
from fileshare.storage.threads import DiskThreads


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[OpenBlob]:
    """The file, open for reading."""
    threads = DiskThreads(2)
    try:
        with closing(OpenBlob(os.open(path, os.O_RDONLY), threads)) as file:
            yield file
    finally:
        await threads.stop()
