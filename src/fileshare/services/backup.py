"""A whole data folder copied into another: `fileshare backup` and `fileshare restore-backup`.

The database goes first and deletion rests meanwhile, so that all it names is still
there when its turn comes. Ends with a reading of every byte of the copy; a copy that
was never read to its end is never called one.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from fileshare.domain.model import Upload
from fileshare.services.ports import Blobs, Catalog, Content
from fileshare.services.tally import OnProgress, Progress
from fileshare.services.verification import Findings, Verification

PAGE = 64
"""Contents asked of the catalog at a time: small ones come with their bytes."""


class Copy(Protocol):
    """A folder that becomes a copy of another. Steps in the order in which they are called."""

    async def begin(self) -> None:
        """Take the folder, and hold on to the parts that lie in the source.

        Raises Conflict unless it is absent, empty, or the rest of an interrupted copy.
        """
        ...

    async def database(self) -> None:
        """Copy the database as it is at one moment. Raises NotFound when the source has none."""
        ...

    def stores(self) -> AbstractAsyncContextManager[tuple[Catalog, Blobs]]:
        """The stores of the copy, to be read."""
        ...

    async def blob(self, content: Content) -> None:
        """Copy a blob that is not there yet; one that can't be read is left out."""
        ...

    async def part(self, upload: Upload) -> None:
        """Copy an upload's bytes up to its offset; nothing happens when they are gone."""
        ...

    async def finish(self) -> None:
        """Make all of it durable and give the database its name: now it is a data folder."""
        ...


class Backup:
    """One copying of one folder."""

    def __init__(self, copy: Copy) -> None:
        self._copy = copy

    async def run(self, on_progress: OnProgress, on_check: OnProgress) -> Findings:
        """Copy, then read the copy; what is damaged in it was so in the source, or on the way.

        The caller sees to it that no blob is unlinked in the source meanwhile. Durable
        on return. Raises Conflict, NotFound, NoSpace and StorageFailed.
        """
        await self._copy.begin()
        await self._copy.database()
        async with self._copy.stores() as (catalog, blobs):
            await self._copy_bytes(catalog, on_progress)
            findings = await Verification(catalog, blobs).run(on_check)
        await self._copy.finish()
        return findings

    async def _copy_bytes(self, catalog: Catalog, on_progress: OnProgress) -> None:
        total, done, size = await catalog.count_contents(), 0, 0
        async for content in _contents(catalog):
            on_progress(Progress(done, total, size, content.digest))
            if content.data is None:
                await self._copy.blob(content)
            done, size = done + 1, size + content.size
        for upload in await catalog.uploads():
            await self._copy.part(upload)


async def _contents(catalog: Catalog) -> AsyncIterator[Content]:
    after = ""
    while page := await catalog.contents(after, PAGE):
        for content in page:
            yield content
        after = page[-1].digest
