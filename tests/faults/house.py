"""The services on a data folder, opened as a server opens them, and what a look at them tells.

Without doors, and without the loops that run beside them: the same calls come in the same
order each time, so that "the k-th" means something.
"""

import base64
import hashlib
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from unittest.mock import patch

import bcrypt

from fileshare.app.services import Services, make_services, now
from fileshare.app.stores import Stores, locked_folder, opened
from fileshare.config import Config
from fileshare.domain.model import Account, Caller, Door, File, Role, Upload
from fileshare.services.recovery import recover
from fileshare.services.sweeper import Retention, Sweeper
from fileshare.storage import disk
from tests.storage.streams import Sunk

SMALL = 4096
"""Contents up to this many bytes go into the database."""

COST = 4
"""Of a password's hash: the least that bcrypt takes."""

PASSWORDS = ("a first password", "a second password")
"""What accounts may have, to tell which one it is."""


@dataclass(frozen=True, slots=True)
class World:
    """All that users can see. Equal worlds are the same to everyone."""

    files: Mapping[str, tuple[tuple[int, str], ...]]
    """Each path's versions: number and digest, the newest first."""
    folders: frozenset[str]
    trash: tuple[str, ...]
    accounts: Mapping[str, tuple[Role, bool, str, int]]
    """Role, whether enabled, password, how many sessions."""
    uploads: Mapping[str, int]
    """Durable bytes of each half-done upload, by its client's id."""

    def beside(self, other: "World") -> str:
        """What is other here than there, for a person."""
        pairs = [
            (field.name, getattr(self, field.name), getattr(other, field.name)) for field in fields(self)
        ]
        return "; ".join(f"{name} {here} beside {there}" for name, here, there in pairs if here != there)

    def lies_between(self, before: "World", after: "World") -> bool:
        """Whether it is one of both, with no upload further back than `before` had it.

        Where it is the later one, an upload that is through may still be there for a moment.
        """
        shown, started = replace(self, uploads={}), set(before.uploads)
        if shown == replace(after, uploads={}):
            needed, allowed = started & after.uploads.keys(), started | after.uploads.keys()
        elif shown == replace(before, uploads={}):
            needed = allowed = started
        else:
            return False
        if not needed <= set(self.uploads) <= allowed:
            return False
        return all(before.uploads.get(name, 0) <= offset for name, offset in self.uploads.items())


class House:
    """Open services. Everything is asked in the name of the first admin."""

    def __init__(self, folder: Path, stores: Stores, services: Services, admin: Account) -> None:
        self.folder = folder
        self.stores = stores
        self.services = services
        self.caller = Caller(admin, "127.0.0.1", Door.TCP, connection="c1")

    async def look(self) -> World:
        """What there is, each content read to its end."""
        files, uploads = self.services.files, self.services.uploads
        page = await files.walk(self.caller, "", 1000)
        found = [entry for entry in page.entries if isinstance(entry, File)]
        halves = await uploads.list_all(self.caller)
        return World(
            files={file.path: await self._versions(file.path) for file in found},
            folders=frozenset(entry.path for entry in page.entries if not isinstance(entry, File)),
            trash=tuple(sorted(entry.path for entry in await files.trashed(self.caller))),
            accounts={a.name: await self._account(a) for a in await self.stores.accounts.accounts()},
            uploads={
                name: upload.offset for upload in halves if not (name := _name(upload)).startswith("joined-")
            },
        )

    async def _versions(self, path: str) -> tuple[tuple[int, str], ...]:
        versions = await self.services.files.versions(self.caller, path)
        for version in versions:
            data = await self.read(path, version.number)
            assert hashlib.sha256(data).hexdigest() == version.digest, f"{path} is listed and damaged"
        return tuple((version.number, version.digest) for version in versions)

    async def read(self, path: str, version: int | None = None) -> bytes:
        """The bytes of a version, as a download gives them."""
        download = await self.services.files.open(self.caller, path, version)
        sunk = Sunk()
        await self.services.files.send(download, 0, download.content.size, sunk)
        return bytes(sunk.data)

    async def _account(self, account: Account) -> tuple[Role, bool, str, int]:
        hashed = (await self.stores.accounts.login(account.name)).password_hash
        sessions = await self.stores.accounts.sessions(account.id)
        return account.role, account.enabled, _password(hashed), len(sessions)

    async def sweep(self) -> None:
        """Two sweeps, a minute apart: the second takes the orphans that the first has seen."""
        clock = itertools.count(now(), 60_000)
        sweeper = Sweeper(
            self.stores.catalog,
            self.stores.blobs,
            self.stores.accounts,
            expire_sessions=self.services.accounts.expire_sessions,
            digest_locks=self.services.workshop.digest_locks,
            reserve=self.stores.reserve,
            clock=lambda: next(clock),
            retention=Retention(),
        )
        await sweeper.sweep_once()
        await sweeper.sweep_once()


def _name(upload: Upload) -> str:
    """What its client calls it. Whoever joins pieces calls the whole nothing: it is part of the joining."""
    return upload.client_id or upload.path


def _password(hashed: str) -> str:
    """Which password that is; the hash itself where it is none that is set here."""
    texts = {text: base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in PASSWORDS}
    found = [text for text, digest in texts.items() if bcrypt.checkpw(digest, hashed.encode())]
    return found[0] if found else hashed


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """The services on `folder`, recovered; closed afterwards whatever happens."""
    config = Config(
        data_dir=folder,
        small_size=SMALL,
        bcrypt_cost=COST,
        admin_password=PASSWORDS[0],
        checkpoint_bytes=1 << 20,
    )
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(opened(stack.enter_context(locked_folder(folder))))
        services = make_services(config, stores)
        await services.audit.start()
        stack.push_async_callback(services.audit.stop)
        await services.accounts.start()
        stack.push_async_callback(services.accounts.stop)
        await recover(services.workshop)
        await services.accounts.ensure_admin(config.admin_password)
        stack.push_async_callback(services.uploads.release_all)
        (admin,) = [a for a in await stores.accounts.accounts() if a.name == "admin"]
        yield House(folder, stores, services, admin)


@contextmanager
def boot(number: int, beside: Path) -> Iterator[None]:
    """Within this the kernel was booted for the so-many-th time."""
    name = beside.with_name(f"{beside.name}.boot")
    name.write_text(f"boot {number}")
    with patch.object(disk, "BOOT_ID", name):
        yield


def left_open(folder: Path) -> list[str]:
    """Files of the folder that this process has open."""
    found = []
    for fd in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(str(fd.readlink()))
    return [path for path in found if path.startswith(f"{folder}/")]
