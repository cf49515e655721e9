"""The concrete stores: the local disk and SQLite in one data folder."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fileshare.errors import BadRequest
from fileshare.services.ports import AccountStore, Blobs, Catalog, Reserve
from fileshare.services.reserve import freeing
from fileshare.storage.disk import DiskBlobs
from fileshare.storage.folder import DataFolder
from fileshare.storage.reserve import DiskReserve
from fileshare.storage.sqlite.accounts import SqliteAccounts
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.database import Database


@dataclass(frozen=True, slots=True)
class Stores:
    """What the services keep things in."""

    catalog: Catalog
    accounts: AccountStore
    blobs: Blobs
    reserve: Reserve
    database: Database


@contextmanager
def locked_folder(data_dir: Path) -> Iterator[DataFolder]:
    """The data folder, made where it is missing, and ours alone for the length of a block.

    Raises Unavailable while another process has it, BadRequest where it can't be one.
    """
    _check_place(data_dir)
    with DataFolder(data_dir) as folder:
        yield folder


def _check_place(data_dir: Path) -> None:
    """Say what a person can change; everything else that is wrong is the disk's own word."""
    existing = next(path for path in (data_dir.absolute(), *data_dir.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise BadRequest(f"data_dir is {data_dir}, but {existing} is a file: name a folder.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise BadRequest(f"data_dir is {data_dir}, but this user may not write in {existing}.")


@asynccontextmanager
async def opened(folder: DataFolder) -> AsyncIterator[Stores]:
    """The stores in a folder whose lock we hold, open for the length of a block.

    Raises Unavailable for a database of a newer version, NoSpace and StorageFailed.
    """
    database, blobs, reserve = Database(folder.database), DiskBlobs(folder.path), DiskReserve(folder.path)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(reserve.close)
        await freeing(reserve, database.open)  # even opening writes a little, and the disk may be full
        stack.push_async_callback(database.close)
        await blobs.open()
        stack.push_async_callback(blobs.close)
        await reserve.refill()
        yield Stores(SqliteCatalog(database), SqliteAccounts(database), blobs, reserve, database)
