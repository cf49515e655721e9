"""Gives back what nobody needs any more: garbage, old trash, orphans, expired rows.

The only code that unlinks a blob: the row goes first, then the blob, under the lock
of its digest. Never deletes anything on disk after a commit that failed or whose
outcome is unknown: the store then refuses the release, and the sweep ends there.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from fileshare.errors import FileshareError
from fileshare.services.locks import DigestLocks
from fileshare.services.ports import AccountStore, Blobs, Catalog, Reserve
from fileshare.services.reserve import freeing

log = logging.getLogger("fileshare.server")

DAY = 86_400_000
BATCH = 256
"""Digests whose locks are held at once, and rows released in one commit: an upload of one of them waits
for that many unlinks, and 10,000 blobs are gone within seconds."""

EVENTS = 1000
"""Audit events removed in one commit, since others wait to write meanwhile."""

EVENT_STEPS = 20
"""Such commits in one sweep: what was deleted for good must not wait for years of events."""

SCANNED = 1000
"""Blobs on disk that one query looks up."""

ORPHAN_AGE = 20_000
"""Milliseconds from the first sight of an orphan to its end: far longer than the moment between a
blob's rename and its commit, short enough that nothing is left a minute after a crash."""

SCAN_EVERY = 3_600_000
"""Milliseconds between two looks for orphans: they come from crashes, and the first look is at the start."""

RETRY_SECONDS = 5.0
"""After a failed sweep: space must be free within 10 s of a delete, also when the first try failed."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things stay, in milliseconds from when they were made, and how many versions of a file."""

    trash: int = 30 * DAY
    receipts: int = 7 * DAY
    failures: int = DAY
    events: int = 365 * DAY
    versions: int = 0
    """Versions kept of each file, the current one included; 0 keeps all."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep gave back."""

    blobs: int = 0
    orphans: int = 0
    trashed: int = 0
    receipts: int = 0
    sessions: int = 0
    events: int = 0


class Sweeper:
    """One per data folder, run beside the doors."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        accounts: AccountStore,
        *,
        expire_sessions: Callable[[], Awaitable[int]],
        digest_locks: DigestLocks,
        reserve: Reserve,
        clock: Callable[[], int],
        retention: Retention | None = None,
        seconds: float = 60.0,
    ) -> None:
        """`clock` tells milliseconds; `seconds` lie between two sweeps when nobody nudges.

        `expire_sessions` ends them and what runs under them, and says how many there were.
        """
        self._catalog = catalog
        self._blobs = blobs
        self._accounts = accounts
        self._expire_sessions = expire_sessions
        self._digest_locks = digest_locks
        self._reserve = reserve
        self._clock = clock
        self._retention = retention or Retention()
        self._seconds = seconds
        self._nudged = asyncio.Event()
        self._deleting = asyncio.Lock()
        self._first_seen: dict[str, int] = {}
        self._scan_due = 0
        self._pauses = 0

    def nudge(self) -> None:
        """Something was deleted for good: collect it now rather than at the next sweep."""
        self._nudged.set()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Within this, no blob is unlinked: what a backup has read of the database stays whole."""
        self._pauses += 1
        try:
            async with self._deleting:
                yield
        finally:
            self._pauses -= 1

    @property
    def resting(self) -> bool:
        """Whether somebody has paused the deletion of blobs."""
        return self._pauses > 0

    async def run(self) -> None:
        """Sweep now and every so many seconds, and collect whenever nudged, until cancelled.

        A failure is logged and tried again; it never ends the loop.
        """
        due: Callable[[], Awaitable[object]] = self.sweep_once
        while True:
            self._nudged.clear()
            wait = self._pause() if await self._tried(due) else min(RETRY_SECONDS, self._seconds)
            due = self.collect if await self._nudged_within(wait) else self.sweep_once

    async def sweep_once(self) -> Swept:
        """Everything that is due: expired trash, surplus versions, garbage, orphans, rows.

        Orphans are looked for hourly, and at each sweep while young ones are known.
        Raises what the stores raise, with nothing unlinked that a row may still refer to.
        """
        now = self._clock()
        trashed = await self._expire_trash(now - self._retention.trash)
        await self._prune_versions()
        blobs = await self.collect()
        orphans = await self._remove_orphans(now)
        receipts = await self._catalog.expire_receipts(now - self._retention.receipts)
        sessions = await self._expire_sessions()
        await self._accounts.forget_failures(now - self._retention.failures)
        events = await self._forget_events(now - self._retention.events)
        return Swept(blobs, orphans, trashed, receipts, sessions, events)

    async def collect(self) -> int:
        """Unlink what is garbage and give its space back; returns how many digests went."""
        collected = 0
        held: set[str] = set()
        """By uploads that are being verified: they stay noted until those are through."""
        while batch := [
            digest for digest in await self._catalog.garbage(BATCH + len(held)) if digest not in held
        ]:
            gone = await self._remove(batch)
            collected += len(gone)
            held.update(set(batch) - gone)
        while await freeing(self._reserve, self._catalog.shrink):
            pass  # one step after the other
        await self._reserve.refill()
        return collected

    async def _remove(self, digests: Sequence[str]) -> set[str]:
        """Rows first, then blobs, under their locks; returns what is gone."""
        async with self._deleting, self._digest_locks.hold(*digests):
            gone = await freeing(self._reserve, partial(self._catalog.release_contents, digests))
            for digest in gone:
                await self._blobs.remove(digest)
            await freeing(self._reserve, partial(self._catalog.forget_garbage, gone))
        return set(gone)

    async def _expire_trash(self, before: int) -> int:
        expired = [entry.id for entry in await self._catalog.trashed() if entry.deleted <= before]
        if expired:
            await freeing(self._reserve, partial(self._catalog.purge, expired, self._clock()))
        return len(expired)

    async def _forget_events(self, before: int) -> int:
        forgotten = 0
        for _ in range(EVENT_STEPS):
            step = await freeing(self._reserve, partial(self._accounts.forget_events, before, EVENTS))
            forgotten += step
            if step < EVENTS:
                break
        return forgotten

    async def _prune_versions(self) -> None:
        """Here rather than at each overwrite, so that a lowered setting holds for old files too."""
        keep = self._retention.versions
        while keep and (paths := await self._catalog.paths_over(keep, BATCH)):
            for path in paths:
                await freeing(self._reserve, partial(self._catalog.prune_versions, path, keep))

    async def _remove_orphans(self, now: int) -> int:
        """Blobs without a row, once they have been seen to be so for long enough."""
        if now < self._scan_due and not self._first_seen:
            return 0
        self._scan_due = now + SCAN_EVERY
        seen = {digest: self._first_seen.get(digest, now) for digest in await self._orphans()}
        aged = [digest for digest, first in seen.items() if now - first >= ORPHAN_AGE]
        removed: set[str] = set()
        for start in range(0, len(aged), BATCH):
            removed |= await self._remove(aged[start : start + BATCH])
        self._first_seen = {digest: first for digest, first in seen.items() if digest not in removed}
        if removed:
            log.warning("removed %d blobs that no file refers to", len(removed))
        return len(removed)

    async def _orphans(self) -> list[str]:
        lying = await self._blobs.digests()
        orphans: list[str] = []
        for first in range(0, len(lying), SCANNED):
            orphans.extend(await self._catalog.unknown_blobs(lying[first : first + SCANNED]))
        return orphans

    def _pause(self) -> float:
        return min(self._seconds, ORPHAN_AGE / 1000) if self._first_seen else self._seconds

    async def _tried(self, due: Callable[[], Awaitable[object]]) -> bool:
        try:
            await due()
        except FileshareError as error:
            log.warning("the sweeper will try again: %s", error.message)
            return False
        except Exception:
            log.exception("the sweeper failed")
            return False
        return True

    async def _nudged_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._nudged.wait()
        except TimeoutError:
            return False
        return True
