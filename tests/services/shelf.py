"""A catalog and blobs in memory with some files on them, for tests of what works on stored files."""

import hashlib
import secrets

from fileshare.domain.model import Account, Caller, Door, OnConflict, Receipt, Role
from fileshare.services.ports import Finish
from fileshare.storage.memory import MemoryBlobs, MemoryCatalog, MemoryReserve

SMALL = 64
"""Contents up to this many bytes go into the catalog, so that both kinds are easily made."""


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
    """The stores, and a hand that puts files on them as an upload would."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.catalog = MemoryCatalog()
        self.blobs = MemoryBlobs()
        self.reserve = MemoryReserve()

    async def put(
        self, path: str, data: bytes, on_conflict: OnConflict = OnConflict.REPLACE, owner_id: int = 1
    ) -> Receipt:
        """Store a file and return its receipt."""
        digest, upload_id = digest_of(data), secrets.token_hex(16)
        if len(data) > SMALL:
            await self.lay_blob(data, upload_id)
        item = Finish(
            owner_id=owner_id,
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


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def large(text: str) -> bytes:
    """Bytes that become a blob."""
    return text.encode() * (SMALL + 1)


def caller(role: Role = Role.ADMIN, name: str = "ann", account_id: int = 1) -> Caller:
    account = Account(account_id, name, role, enabled=True, default_password=False, created=0)
    return Caller(account, "127.0.0.1", Door.TCP, connection="c1")
