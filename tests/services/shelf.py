"""A catalog and blobs with some files on them, in memory or on the disk, for what works on stored files."""

import hashlib
import secrets
from pathlib import Path

from fileshare.domain.model import Account, Caller, Door, OnConflict, Receipt, Role
from fileshare.services.ports import AccountStore, Blobs, Catalog, Finish, Reserve
from fileshare.storage.disk import DiskBlobs
from fileshare.storage.memory import MemoryBlobs, MemoryCatalog, MemoryReserve
from fileshare.storage.memory_accounts import MemoryAccounts
from fileshare.storage.reserve import DiskReserve
from fileshare.storage.sqlite.accounts import SqliteAccounts
from fileshare.storage.sqlite.catalog import SqliteCatalog
from fileshare.storage.sqlite.database import Database

SMALL = 64
"""Contents up to this many bytes go into the catalog, so that both kinds are easily made."""

BOOT = "boot-1"
OWNER = "ann"


class Clock:
    """Milliseconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


class Bytes:
    """A source that gives some bytes."""

    def __init__(self, data: bytes) -> None:
        self._left = data

    async def read(self, limit: int) -> bytes:
        given, self._left = self._left[:limit], self._left[limit:]
        return given


class Shelf:
    """Stores with one account, and a hand that puts files on them as an upload would."""

    catalog: Catalog
    accounts: AccountStore
    blobs: Blobs
    reserve: Reserve
    owner: Account

    def __init__(self) -> None:
        self.clock = Clock()

    async def open(self) -> None:
        """Whoever makes one opens it; the account that owns the files is there afterwards."""
        self.owner = await self.accounts.add(OWNER, Role.USER, "!", False, self.clock())

    async def close(self) -> None:
        """Let go of the stores."""

    async def put(self, path: str, data: bytes, on_conflict: OnConflict = OnConflict.REPLACE) -> Receipt:
        """Store a file and return its receipt."""
        digest, upload_id = digest_of(data), secrets.token_hex(16)
        if len(data) > SMALL:
            await self.lay_blob(data, upload_id)
        item = Finish(
            owner_id=self.owner.id,
            upload_id=upload_id,
            client_id=None,
            path=path,
            digest=digest,
            size=len(data),
            modified=self.clock.now,
            on_conflict=on_conflict,
            data=data if len(data) <= SMALL else None,
        )
        (outcome,) = await self.catalog.finish([item], self.clock.now)
        assert isinstance(outcome, Receipt), outcome
        return outcome

    async def lay_blob(self, data: bytes, upload_id: str = "f" * 32) -> str:
        """Put a blob there that no row knows; returns its digest."""
        part = await self.blobs.create(upload_id)
        await part.receive(Bytes(data), len(data))
        await part.sync()
        await part.close()
        await self.blobs.publish(upload_id, digest_of(data))
        return digest_of(data)

    async def trash(self, path: str) -> int:
        """Put a file into the trash; returns its id there."""
        return (await self.catalog.trash(path, self.owner.id, self.clock())).id

    async def purge(self, path: str) -> None:
        """Delete a file for good."""
        await self.catalog.purge([await self.trash(path)], self.clock())

    async def lying(self) -> set[str]:
        """The digests of the blobs that lie there."""
        return set(await self.blobs.digests())

    def damage(self, digest: str, data: bytes | None) -> None:
        """Put other bytes in the place of a blob, or none."""
        raise NotImplementedError


class MemoryShelf(Shelf):
    """In memory, where every step can be told to fail."""

    catalog: MemoryCatalog
    blobs: MemoryBlobs
    reserve: MemoryReserve

    def __init__(self) -> None:
        super().__init__()
        self.catalog = MemoryCatalog(lambda account_id: OWNER)
        self.accounts = MemoryAccounts()
        self.blobs = MemoryBlobs(BOOT)
        self.reserve = MemoryReserve()

    def damage(self, digest: str, data: bytes | None) -> None:
        del self.blobs.stored[digest]
        if data is not None:
            self.blobs.stored[digest] = data


class DiskShelf(Shelf):
    """A real data folder."""

    blobs: DiskBlobs
    reserve: DiskReserve

    def __init__(self, data_dir: Path) -> None:
        super().__init__()
        data_dir.mkdir(exist_ok=True)
        self.data_dir = data_dir
        self.database = Database(data_dir / "fileshare.db")
        self.catalog = SqliteCatalog(self.database)
        self.accounts = SqliteAccounts(self.database)
        self.blobs = DiskBlobs(data_dir, BOOT)
        self.reserve = DiskReserve(data_dir, size=4096)

    async def open(self) -> None:
        await self.database.open()
        await self.blobs.open()
        await super().open()

    async def close(self) -> None:
        await self.reserve.close()
        await self.blobs.close()
        await self.database.close()

    def blob(self, digest: str) -> Path:
        return self.data_dir / "blobs" / digest[:2] / digest

    def damage(self, digest: str, data: bytes | None) -> None:
        self.blob(digest).unlink()
        if data is not None:
            self.blob(digest).write_bytes(data)


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def large(text: str) -> bytes:
    """Bytes that become a blob."""
    return text.encode() * (SMALL + 1)


def caller(role: Role = Role.ADMIN, name: str = OWNER, account_id: int = 1) -> Caller:
    account = Account(account_id, name, role, enabled=True, default_password=False, created=0)
    return Caller(account, "127.0.0.1", Door.TCP, connection="c1")
