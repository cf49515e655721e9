"""How a command reaches what it works on: through the running server, or with the folder's lock itself.

Never opens a database to write while a server has it. What only reads opens it beside
a server, and needs neither lock nor socket. The services are imported only where this
process does the work: a question to a running server is answered before that is done.
"""

import asyncio
import os
import pwd
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fileshare.admin.asking import Asking, ask_server
from fileshare.admin.messages import AnyReply, AnyRequest
from fileshare.config import Config
from fileshare.domain import names
from fileshare.errors import BadRequest, NotFound, Unavailable
from fileshare.storage.folder import DataFolder

if TYPE_CHECKING:
    from fileshare.admin.desk import Desk
    from fileshare.services.imports import Import
    from fileshare.services.ports import Blobs, Catalog

PATIENCE = 15.0
"""Seconds in which a server that starts or drains is waited for: it holds the lock and has no socket yet."""

PAUSE = 0.2

ROOT = 0


class Office(Protocol):
    """Where requests are answered."""

    def answer(self, request: AnyRequest) -> AsyncIterator[AnyReply]:
        """Do it; the last line is final. Raises what it failed with."""
        ...


class OwnOffice:
    """Without a server: this process holds the lock and does it."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    def answer(self, request: AnyRequest) -> AsyncIterator[AnyReply]:
        """See Office."""
        from fileshare.admin.desk import own_caller

        return self._desk.answer(request, own_caller())


async def answers(office: Office, request: AnyRequest) -> Sequence[AnyReply]:
    """All lines of an answer."""
    return [reply async for reply in office.answer(request)]


@asynccontextmanager
async def reach(config: Config, *, create: bool = False) -> AsyncIterator[Office]:
    """The running server of the data folder, or, without one, an office of our own.

    Raises NotFound when there is no data folder and `create` is false.
    """
    _check_user(config.data_dir, or_root=True)
    if not create:
        _check_there(config.data_dir)
    async with AsyncExitStack() as stack:
        held = await _server_or_lock(stack, config.data_dir)
        if isinstance(held, Asking):
            yield held
        else:
            _check_user(config.data_dir)
            from fileshare.app.offline import without_server
            from fileshare.app.services import make_desk

            _stores, services = await stack.enter_async_context(without_server(config, held))
            yield OwnOffice(make_desk(services))


@asynccontextmanager
async def deletion_resting(data_dir: Path) -> AsyncIterator[None]:
    """Nothing is unlinked in the data folder within this: the server waits, or there is none."""
    _check_user(data_dir, or_root=True)
    _check_there(data_dir)
    async with AsyncExitStack() as stack:
        held = await _server_or_lock(stack, data_dir)
        if isinstance(held, Asking):
            await held.rest_deletion()
        yield


@asynccontextmanager
async def reading_stores(data_dir: Path) -> AsyncIterator[tuple["Catalog", "Blobs"]]:
    """The stores of a data folder, only to be read, also beside a server."""
    from fileshare.app.offline import reading

    _check_user(data_dir, or_root=True)
    _check_there(data_dir)
    async with reading(data_dir) as stores:
        yield stores


@asynccontextmanager
async def importing(config: Config, owner: str, folder: str) -> AsyncIterator["Import"]:
    """An import into a data folder that no server uses. Raises Unavailable, NotFound for the owner."""
    from fileshare.admin.desk import own_caller
    from fileshare.app.offline import without_server
    from fileshare.app.services import now
    from fileshare.services.imports import Import

    _check_user(config.data_dir)
    async with AsyncExitStack() as stack:
        held = stack.enter_context(DataFolder(config.data_dir))
        stores, services = await stack.enter_async_context(without_server(config, held))
        try:
            account = (await stores.accounts.login(owner)).account
        except NotFound:
            raise NotFound(f"There is no account {owner!r} to own the files: see --owner.") from None
        path = names.parse_folder(folder)
        yield Import(
            stores.catalog,
            stores.blobs,
            digest_locks=services.workshop.digest_locks,
            clock=now,
            owner=account,
            folder=path,
            small_size=config.small_size,
        )
        services.audit.note(own_caller(), "import", path, detail=f"for {account.name}")


async def _server_or_lock(stack: AsyncExitStack, data_dir: Path) -> Asking | DataFolder:
    """Whichever can be had; waits for a server that is about to start or to end."""
    folder = DataFolder(data_dir)
    if _is_anothers(data_dir) and not (data_dir / "lock").exists():
        return folder  # no server was ever here; a lock that root makes would keep its user out
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with suppress(Unavailable):
                return stack.enter_context(folder)
            return await stack.enter_async_context(ask_server(data_dir))
        except Unavailable:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(PAUSE)


def _check_there(data_dir: Path) -> None:
    """A mistyped folder must not be made, and then be found empty."""
    if not (data_dir / "fileshare.db").is_file():
        raise NotFound(f"{data_dir} is no data folder of fileshare: name it with --data-dir.")


def _check_user(data_dir: Path, *, or_root: bool = False) -> None:
    """Raises BadRequest for anyone but the folder's owner.

    What another makes in it, the database's log above all, would lock its server out.
    Root may ask the server, and may read: SQLite gives what it makes then to the owner.
    """
    if data_dir.exists() and not data_dir.is_dir():
        raise BadRequest(f"{data_dir} is no folder: name another with --data-dir.")
    if _is_anothers(data_dir) and not (or_root and os.geteuid() == ROOT):
        owner = _user_name(data_dir.stat().st_uid)
        raise BadRequest(f"{data_dir} belongs to {owner}: run this command as that user.")


def _is_anothers(data_dir: Path) -> bool:
    return data_dir.exists() and data_dir.stat().st_uid != os.geteuid()


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user {uid}"
