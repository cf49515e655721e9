"""Who may touch what at one time, within this process.

One writer per upload, whom a newcomer can ask to let go, because a client that
reconnects arrives before its dead connection is noticed. And one lock per digest,
which finish holds from its check of existence to its commit, and the sweeper from
its check of references to its unlink.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from fileshare.errors import UploadBusy


class Lease:
    """The right to write to one upload, until `release`."""

    def __init__(self, upload_id: str, let_go: Callable[[], None]) -> None:
        self.upload_id = upload_id
        self.let_go = let_go
        self.superseded = False
        self._released = asyncio.Event()

    def supersede(self) -> None:
        """Ask the holder to stop reading, keep what it has, and release."""
        if not self.superseded:
            self.superseded = True
            self.let_go()

    def release(self) -> None:
        """The holder is done: its bytes are kept and its checkpoint is made."""
        self._released.set()

    @property
    def released(self) -> bool:
        """Whether the holder is done."""
        return self._released.is_set()

    async def wait_released(self, seconds: float) -> None:
        """Wait for the holder. Raises UploadBusy when it does not let go within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._released.wait()
        except TimeoutError:
            raise UploadBusy() from None


class UploadLocks:
    """Leases by upload id; the newest claim wins."""

    def __init__(self, patience: float = 5.0) -> None:
        self._patience = patience
        self._leases: dict[str, Lease] = {}

    def holder(self, upload_id: str) -> Lease | None:
        """The lease that is held now."""
        return self._leases.get(upload_id)

    async def claim(self, upload_id: str, let_go: Callable[[], None]) -> Lease:
        """Take the upload over: ask the holder to let go and wait until it has.

        `let_go` is called, from this loop, when a later claim wants it in turn.
        Raises UploadBusy when the holder does not let go within the patience, seconds.
        """
        while (held := self._leases.get(upload_id)) is not None and not held.released:
            held.supersede()
            await held.wait_released(self._patience)
        lease = Lease(upload_id, let_go)
        self._leases[upload_id] = lease
        return lease

    def release(self, lease: Lease) -> None:
        """Give a lease back; whoever waits for it goes on."""
        lease.release()
        if self._leases.get(lease.upload_id) is lease:
            del self._leases[lease.upload_id]

    def __len__(self) -> int:
        return len(self._leases)


class DigestLocks:
    """One lock per digest, made when needed and forgotten when nobody waits."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def hold(self, *digests: str) -> AsyncIterator[None]:
        """Hold the locks of some digests; taken in order, so that two holders can't block each other."""
        async with AsyncExitStack() as stack:
            for digest in sorted(set(digests)):
                await stack.enter_async_context(self._hold_one(digest))
            yield

    @asynccontextmanager
    async def _hold_one(self, digest: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault(digest, asyncio.Lock())
        self._users[digest] += 1
        try:
            async with lock:
                yield
        finally:
            self._users[digest] -= 1
            if not self._users[digest]:
                del self._users[digest], self._locks[digest]
