"""Files and folders as callers see them: list, download, move, delete, restore.

Both doors call this, and nothing but this: every call checks the role, reads the
path through `domain.names`, and leaves its trace in the audit trail. It never
touches bytes on disk; what a delete sets free, the sweeper unlinks.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from fileshare.domain import names
from fileshare.domain.access import Action, allows
from fileshare.domain.model import Caller, Entry, File, Folder, Trashed, Version
from fileshare.errors import BadName, BadRequest, Damaged, FileshareError, NotFound, TooLarge
from fileshare.services.audit import Audit
from fileshare.services.meters import Direction, Meters
from fileshare.services.ports import Blobs, Catalog, Content, Listing, Page, Reserve, Sink, SmallContent
from fileshare.services.reserve import freeing
from fileshare.services.transfers import UNWATCHED, Transfers


@dataclass(frozen=True, slots=True)
class Download:
    """A version that was found whole enough to be sent; hand it to `Files.send`."""

    caller: Caller
    path: str
    version: Version
    content: Content


@dataclass(frozen=True, slots=True)
class SmallDownloads:
    """What `Files.open_small` found, ready to be sent; hand it to `Files.send_small`."""

    caller: Caller
    paths: Sequence[str]
    outcomes: Sequence[SmallContent | FileshareError]
    """For the first of the paths, in order."""
    body: bytes
    """The contents of those that can be sent, one after the other."""


class Files:
    """What callers do with files and folders. All paths come in as raw text."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        audit: Audit,
        *,
        clock: Callable[[], int],
        reserve: Reserve,
        nudge: Callable[[], None],
        meters: Meters | None = None,
        transfers: Transfers | None = None,
    ) -> None:
        """`clock` tells milliseconds, `nudge` wakes the sweeper."""
        self._catalog = catalog
        self._blobs = blobs
        self._audit = audit
        self._clock = clock
        self._reserve = reserve
        self._nudge = nudge
        self._meters = meters or Meters()
        self._transfers = transfers or Transfers(audit, clock)

    # Looking

    async def usage_by_owner(self, caller: Caller) -> Mapping[int, int]:
        """Bytes of all versions by the id of the account that made them, for an admin. Raises Forbidden."""
        self._audit.check(caller, Action.MANAGE_USERS)
        return await self._catalog.usage_by_owner()

    async def entry(self, caller: Caller, path: str) -> Entry:
        """The file or folder at `path` ("" is the root). Raises NotFound, BadName, Forbidden."""
        self._audit.check(caller, Action.LIST, path)
        return await self._catalog.entry(names.parse_folder(path))

    async def listing(self, caller: Caller, what: Listing) -> Page:
        """A page of a folder or of a search below it. Raises as `Catalog.listing`, BadName, Forbidden."""
        self._audit.check(caller, Action.LIST, what.path)
        path, query = names.parse_folder(what.path), _parse_query(what.query)
        return await self._catalog.listing(replace(what, path=path, query=query))

    async def walk(self, caller: Caller, path: str, limit: int, cursor: str | None = None) -> Page:
        """A page of everything below a folder, depth first. Raises as `Catalog.walk`, BadName, Forbidden."""
        self._audit.check(caller, Action.LIST, path)
        return await self._catalog.walk(names.parse_folder(path), limit, cursor)

    async def count(self, caller: Caller, path: str = "") -> int:
        """How many files lie below a folder. Raises BadName, Forbidden."""
        self._audit.check(caller, Action.LIST, path)
        return await self._catalog.count_files(names.parse_folder(path))

    async def versions(self, caller: Caller, path: str) -> Sequence[Version]:
        """All versions of a file, the newest first.

        Raises NotFound, Conflict for a folder, BadName, Forbidden.
        """
        self._audit.check(caller, Action.VERSIONS, path)
        return await self._catalog.versions(names.parse_path(path))

    async def version(self, caller: Caller, path: str, number: int) -> Version:
        """One version of a file. Raises as `versions`, and NotFound when it has no such number."""
        self._audit.check(caller, Action.VERSIONS, path)
        return (await self._catalog.stored(names.parse_path(path), number))[0]

    # Changing names

    async def make_folder(self, caller: Caller, path: str) -> Folder:
        """Create a folder and its missing parents; an existing one is returned as it is.

        Durable on return. Raises Conflict where a file stands in the way, BadName, Forbidden.
        """
        with self._noted(caller, Action.MKDIR, path):
            return await self._catalog.make_folder(names.parse_path(path), self._clock())

    async def move(self, caller: Caller, path: str, to: str) -> Entry:
        """Give a file or folder another path. Durable on return.

        Raises as `Catalog.move`, BadName, Forbidden.
        """
        with self._noted(caller, Action.MOVE, path, detail=f"to {to}"):
            return await self._catalog.move(names.parse_path(path), names.parse_path(to), self._clock())

    async def restore_version(self, caller: Caller, path: str, number: int) -> File:
        """Make an old version's content the next version; nothing is lost by it. Durable on return.

        Raises NotFound, Conflict for a folder, BadName, Forbidden.
        """
        with self._noted(caller, Action.RESTORE, path, detail=f"version {number}"):
            parsed = names.parse_path(path)
            return await self._catalog.restore_version(parsed, number, caller.account.id, self._clock())

    # Deleting and taking back

    async def delete(self, caller: Caller, path: str) -> Trashed:
        """Move a file, or a folder with all it holds, to the trash. Durable on return.

        Raises NotFound, BadRequest for the root, BadName, Forbidden.
        """
        with self._noted(caller, Action.DELETE, path):
            return await self._trash(caller, names.parse_path(path))

    async def delete_forever(self, caller: Caller, path: str) -> int:
        """Delete what lies at `path` and every copy of that path in the trash, for good.

        Returns the bytes given up; the names are gone durably, and the sweeper is woken
        to free the space. Works on a full disk. Raises NotFound when there is neither a
        live entry nor a copy in the trash, BadName, Forbidden.
        """
        with self._noted(caller, Action.PURGE, path):
            parsed = names.parse_path(path)
            try:
                await self._trash(caller, parsed)
            except NotFound:
                if not await self._in_trash(parsed):
                    raise
            return await self._purge(await self._in_trash(parsed))

    async def trashed(self, caller: Caller) -> Sequence[Trashed]:
        """What is in the trash, the newest first. Raises Forbidden."""
        self._audit.check(caller, Action.RESTORE, "")
        return await self._catalog.trashed()

    async def restore_trashed(self, caller: Caller, trash_id: int) -> Entry:
        """Put a trash entry back at its path (a free `_v2` name where that is taken). Durable on return.

        Raises NotFound, Conflict, Forbidden.
        """
        with self._noted(caller, Action.RESTORE, "", detail=f"trash entry {trash_id}"):
            return await self._catalog.untrash(trash_id, self._clock())

    async def restore_path(self, caller: Caller, path: str) -> Entry:
        """Put the newest trash entry of that path back. Raises as `restore_trashed`, and BadName."""
        with self._noted(caller, Action.RESTORE, path):
            copies = await self._in_trash(names.parse_path(path))
            if not copies:
                raise NotFound(f"There is nothing of the name {names.shown(path)} in the trash.")
            return await self._catalog.untrash(copies[0].id, self._clock())

    async def empty_trash(self, caller: Caller, older_than: int = 0, *, until: int | None = None) -> int:
        """Delete for good what has been in the trash for `older_than` milliseconds or longer.

        `until` spares what came into it after that time, which nobody had seen there yet.
        Returns the bytes given up; space follows as with `delete_forever`. Raises Forbidden.
        """
        with self._noted(caller, Action.PURGE, "", detail="trash"):
            before = self._clock() - older_than
            before = before if until is None else min(before, until)
            found = await self._catalog.trashed()
            return await self._purge([entry for entry in found if entry.deleted <= before])

    async def purge_trashed(self, caller: Caller, trash_id: int) -> int:
        """Delete one trash entry for good. Returns the bytes given up. Raises NotFound, Forbidden."""
        with self._noted(caller, Action.PURGE, "", detail=f"trash entry {trash_id}"):
            found = [entry for entry in await self._catalog.trashed() if entry.id == trash_id]
            if not found:
                raise NotFound("There is no such entry in the trash.")
            return await self._purge(found)

    # Downloading

    async def open(self, caller: Caller, path: str, version: int | None = None) -> Download:
        """Find a version to send: the current one, or one by its number.

        Raises NotFound, Conflict for a folder, BadName, Forbidden, and Damaged when the
        bytes are missing or of another size, so that nobody is promised what can't come.
        """
        with self._refusals_noted(caller, Action.DOWNLOAD, path):
            if version is not None:
                self._audit.check(caller, Action.VERSIONS, path)
            parsed = names.parse_path(path)
            wanted, content = await self._catalog.stored(parsed, version)
            whole = content.size == wanted.size and await self._lies_there(content)
            if not whole:
                raise await self._damaged(caller, parsed, wanted)
            return Download(caller, parsed, wanted, content)

    async def send(
        self, download: Download, start: int, stop: int, sink: Sink, *, listed: bool = True
    ) -> None:
        """Send the bytes [start, stop) of what `open` found.

        Raises Damaged before the first byte, ConnectionLost, Stopped. The audit trail gets the
        range and how it ended. `listed` is False where the register of transfers has the whole
        that this is a piece of.
        """
        outcome, door = "connection_lost", download.caller.door
        try:
            with self._meters.under_way(Direction.SENT, door):
                await self._move(download, start, stop, sink, listed)
            outcome = "ok"
        except FileshareError as error:
            outcome = error.code
            raise
        finally:
            detail = f"version {download.version.number}, bytes {start} to {stop} of {download.content.size}"
            self._audit.note(download.caller, Action.DOWNLOAD, download.path, outcome, detail)

    async def open_small(self, caller: Caller, paths: Sequence[str], most: int) -> SmallDownloads:
        """Find the current contents of small files, for the first of the paths: as many as `most` bytes hold.

        Each path has an outcome of its own: BadName, or one of `Catalog.small_contents`.
        Raises Forbidden, for all of them.
        """
        self._audit.check(caller, Action.DOWNLOAD, paths[0] if paths else "")
        parsed = [_parsed(path) for path in paths]
        good = [path for path in parsed if isinstance(path, str)]
        found = iter(await self._catalog.small_contents(good, most))
        outcomes: list[SmallContent | FileshareError] = []
        for path in parsed:
            outcome = next(found, None) if isinstance(path, str) else path
            if outcome is None:
                break
            outcomes.append(outcome)
        body = b"".join([one.data for one in outcomes if isinstance(one, SmallContent)])
        return SmallDownloads(caller, paths, outcomes, body)

    async def send_small(self, downloads: SmallDownloads, sink: Sink) -> None:
        """Send the bytes of what `open_small` found, one after the other. Raises ConnectionLost.

        The audit trail gets every file and how it ended.
        """
        outcome, door = "connection_lost", downloads.caller.door
        try:
            with self._meters.under_way(Direction.SENT, door):
                if downloads.body:
                    await sink.write(downloads.body)
            self._meters.moved(Direction.SENT, door, len(downloads.body))
            outcome = "ok"
        finally:
            self._note_small(downloads, outcome)

    def _note_small(self, downloads: SmallDownloads, ending: str) -> None:
        """TooLarge is left out: who was told that asks anew, by `open`."""
        sent = []
        for path, outcome in zip(downloads.paths, downloads.outcomes, strict=False):
            if isinstance(outcome, SmallContent):
                size = len(outcome.data)
                sent.append((path, f"version {outcome.number}, bytes 0 to {size} of {size}"))
            elif not isinstance(outcome, TooLarge):
                self._audit.note(downloads.caller, Action.DOWNLOAD, path, outcome.code)
        self._audit.note_all(downloads.caller, Action.DOWNLOAD, sent, ending)

    # Within

    async def _move(self, download: Download, start: int, stop: int, sink: Sink, listed: bool) -> None:
        door = download.caller.door
        if not listed or stop - start <= UNWATCHED:
            await self._blobs.send(download.content, start, stop, sink)
            self._meters.moved(Direction.SENT, door, stop - start)
            return
        watched = self._transfers.sending(download.caller, download.path, start, stop, sink)
        async with watched as outgoing:
            try:
                await self._blobs.send(download.content, start, stop, outgoing)
            finally:
                self._meters.moved(Direction.SENT, door, outgoing.offset - start)

    async def _lies_there(self, content: Content) -> bool:
        if content.data is not None:
            return len(content.data) == content.size
        return await self._blobs.exists(content.digest, content.size)

    async def _damaged(self, caller: Caller, path: str, wanted: Version) -> Damaged:
        """The refusal, which offers the newest version that is whole to whoever may have it."""
        if allows(caller.account.role, Action.VERSIONS):
            for other in await self._catalog.versions(path):
                if other.digest != wanted.digest and await self._lies_there(
                    await self._catalog.content(other.digest)
                ):
                    return Damaged(
                        f"The content of version {wanted.number} is damaged and is not served; "
                        f"version {other.number} is whole. Tell the admin, who can run `fileshare verify`."
                    )
        return Damaged()

    async def _trash(self, caller: Caller, path: str) -> Trashed:
        return await freeing(
            self._reserve, partial(self._catalog.trash, path, caller.account.id, self._clock())
        )

    async def _in_trash(self, path: str) -> Sequence[Trashed]:
        return [entry for entry in await self._catalog.trashed() if entry.path == path]

    async def _purge(self, entries: Sequence[Trashed]) -> int:
        try:
            ids = [entry.id for entry in entries]
            return await freeing(self._reserve, partial(self._catalog.purge, ids, self._clock()))
        finally:
            self._nudge()

    @contextmanager
    def _refusals_noted(self, caller: Caller, action: Action, path: str) -> Iterator[None]:
        self._audit.check(caller, action, path)
        try:
            yield
        except FileshareError as error:
            self._audit.note(caller, action, path, error.code)
            raise

    @contextmanager
    def _noted(self, caller: Caller, action: Action, path: str, detail: str = "") -> Iterator[None]:
        with self._refusals_noted(caller, action, path):
            yield
        self._audit.note(caller, action, path, detail=detail)


def _parsed(path: str) -> str | BadName:
    try:
        return names.parse_path(path)
    except BadName as error:
        return error


def _parse_query(text: str) -> str:
    """A piece of a name, in the form that names are stored in."""
    if len(text) > names.MAX_NAME:  # NFC takes quadratic time over a hostile text, and no name is longer
        raise BadRequest("The text to search for is longer than any name.")
    return unicodedata.normalize("NFC", text)
