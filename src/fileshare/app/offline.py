"""What commands work with when no server runs, and what they may look at when one does."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fileshare.app.services import Services, make_services, running
from fileshare.app.stores import Stores, opened
from fileshare.config import Config
from fileshare.logs import Logs
from fileshare.services.ports import Blobs, Catalog
from fileshare.storage.disk import DiskBlobs
from fileshare.storage.folder import DataFolder
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.reading import ReadingDatabase


@asynccontextmanager
async def without_server(config: Config, folder: DataFolder) -> AsyncIterator[tuple[Stores, Services]]:
    """Stores and services, recovered and running without doors, in a folder whose lock we hold.

    Logs as the server does, so that its logs tell of what was done by command too.
    """
    logs = Logs(
        folder.path / "logs", level=config.log_level, size=config.log_file_size, keep=config.log_files
    )
    async with AsyncExitStack() as stack:
        logs.start()
        stack.callback(logs.stop)
        stores = await stack.enter_async_context(opened(folder))
        services = make_services(config, stores)
        await stack.enter_async_context(running(config, services))
        yield stores, services


@asynccontextmanager
async def reading(data_dir: Path) -> AsyncIterator[tuple[Catalog, Blobs]]:
    """Catalog and blobs of a data folder, only to be read, whether or not a server has it open.

    Raises NotFound when it is none, Unavailable for a database of another format.
    """
    database, blobs = ReadingDatabase(data_dir / "fileshare.db"), DiskBlobs(data_dir)
    async with AsyncExitStack() as stack:
        await database.open()
        stack.push_async_callback(database.close)
        await blobs.open()
        stack.push_async_callback(blobs.close)
        yield SqliteCatalog(database), blobs
