"""A workshop on stores in memory, and bytes to feed it with."""

import hashlib
from collections.abc import Iterable

from fileshare.domain.model import ANONYMOUS_ID, Account, Caller, Door, Role
from fileshare.services.appending import Appending
from fileshare.services.audit import Audit
from fileshare.services.batches import Committer
from fileshare.services.concatenation import Concatenation
from fileshare.services.locks import DigestLocks, UploadLocks
from fileshare.services.new_uploads import NewUpload
from fileshare.services.space import Space
from fileshare.services.transfers import Transfers
from fileshare.services.uploads import Uploads
from fileshare.services.whole_files import WholeFiles
from fileshare.services.workshop import Workshop
from fileshare.services.writer import Writer
from fileshare.storage.memory import MemoryBlobs, MemoryCatalog
from fileshare.storage.memory_accounts import MemoryAccounts

MIB = 1 << 20


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Clock:
    """Milliseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


class Bytes:
    """A source that gives its pieces, then ends or raises."""

    def __init__(self, pieces: Iterable[bytes], error: Exception | None = None) -> None:
        self._pieces = list(pieces)
        self._error = error

    async def read(self, limit: int) -> bytes:
        if not self._pieces:
            if self._error is not None:
                raise self._error
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > limit:
            self._pieces.insert(0, piece[limit:])
        return piece[:limit]


def account(account_id: int, role: Role = Role.USER, name: str = "") -> Account:
    return Account(account_id, name or f"account-{account_id}", role, True, False, 0)


def caller(account_id: int = 1, role: Role = Role.USER) -> Caller:
    return Caller(account(account_id, role), "127.0.0.1", Door.TCP, "c1")


ANNA, BERT, ADMIN = caller(1), caller(2), caller(3, Role.ADMIN)
NOBODY = caller(ANONYMOUS_ID)


class World:
    """Services on stores that survive `restart`, as disk and database do a kill of the process."""

    def __init__(
        self,
        *,
        checkpoint_bytes: int = 4 * MIB,
        checkpoint_seconds: float = 5,
        small_size: int = 100,
        max_file_size: int | None = None,
    ) -> None:
        self.clock = Clock()
        self.catalog = MemoryCatalog()
        self.blobs = MemoryBlobs()
        self.events: MemoryAccounts = MemoryAccounts()
        self._settings = (checkpoint_bytes, checkpoint_seconds, small_size, max_file_size)
        self.restart()

    def restart(self) -> None:
        checkpoint_bytes, checkpoint_seconds, small_size, max_file_size = self._settings
        audit = Audit(self.events, self.clock)
        self.transfers = Transfers(audit, self.clock)
        self.shop = Workshop(
            catalog=self.catalog,
            blobs=self.blobs,
            locks=UploadLocks(patience=0.2),
            digest_locks=DigestLocks(),
            space=Space(self.blobs),
            committer=Committer(self.catalog, self.clock),
            audit=audit,
            clock=self.clock,
            checkpoint_bytes=checkpoint_bytes,
            checkpoint_seconds=checkpoint_seconds,
            small_size=small_size,
            max_file_size=max_file_size,
            transfers=self.transfers,
        )
        self.uploads = Uploads(self.shop, upload_days=7)
        self.concatenation = Concatenation(self.shop, self.uploads)
        self.appending = Appending(self.shop, self.uploads)
        self.whole_files = WholeFiles(self.shop)

    async def begin(self, new: NewUpload, who: Caller = ANNA) -> Writer:
        writer = await self.uploads.begin(who, new, lambda: None)
        assert isinstance(writer, Writer)
        return writer

    async def stored_bytes(self, path: str) -> bytes:
        entry = await self.catalog.entry(path)
        content = await self.catalog.content(entry.version.digest)  # type: ignore[union-attr]
        sink = Collected()
        await self.blobs.send(content, 0, content.size, sink)
        return bytes(sink.data)


class Collected:
    """A sink that keeps what comes."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def write(self, data: bytes | memoryview) -> None:
        self.data += data

    async def send_file(self, file: object, offset: int, count: int) -> None:
        raise AssertionError("stores in memory have no files")
